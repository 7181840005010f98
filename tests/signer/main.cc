#define BOOST_TEST_MODULE signer
#include <boost/test/unit_test.hpp>
