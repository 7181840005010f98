set(SOURCES answer.cc cert_id.cc extension.cc get_path.cc request.cc response.cc)
set(LIBRARIES)
