#define BOOST_TEST_MODULE cache_stores
#include <boost/test/unit_test.hpp>
