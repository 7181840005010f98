#define BOOST_TEST_MODULE keys
#include <boost/test/unit_test.hpp>
