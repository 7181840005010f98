set(SOURCES channel.cc claim.cc copied_ledger.cc follower.cc leader.cc lease.cc message.cc)
set(LIBRARIES fmt openssl spdlog)
