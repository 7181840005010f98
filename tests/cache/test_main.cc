#define BOOST_TEST_MODULE cache_form
#include <boost/test/unit_test.hpp>
