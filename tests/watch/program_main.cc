#define BOOST_TEST_MODULE watch_program
#include <boost/test/unit_test.hpp>
