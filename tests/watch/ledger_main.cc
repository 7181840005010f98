#define BOOST_TEST_MODULE watch_ledger
#include <boost/test/unit_test.hpp>
