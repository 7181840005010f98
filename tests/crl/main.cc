#define BOOST_TEST_MODULE crl
#include <boost/test/unit_test.hpp>
