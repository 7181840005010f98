set(SOURCES fetch.cc)
set(LIBRARIES curl fmt)
