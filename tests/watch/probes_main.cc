#define BOOST_TEST_MODULE watch_probes
#include <boost/test/unit_test.hpp>
