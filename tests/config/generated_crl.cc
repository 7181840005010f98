#include <boost/test/unit_test.hpp>

#include "tests/config/fixture.h"

using namespace eightbells;
using namespace eightbells::config;
using namespace eightbells::config::testing;

namespace {

#define CRL "[[issuer]]\n[issuer.generated_crl]\nkey = \"ca.key\"\n"
#define CA "[[issuer]]\nissues_cas = true\n[issuer.generated_crl]\nkey = \"ca.key\"\nspare = \"off\"\n"

// Covers: D-11, D-12, D-13, D-14, D-15
const BadFile bad_files[] = {
    {"D-11: more than a day apart, with its margin", CRL "every = \"23h1s\"\n", 4,
     "issuer[0].generated_crl.every", "is not from 1m to 23h (D-11)"},
    {"D-13: ten days", CRL "spare = \"off\"\nvalidity = \"10d\"\n", 5, "issuer[0].generated_crl.validity",
     "10d is above 9d23h59m59s (D-13)"},
    {"D-15: the next one comes too late", CRL "validity = \"23h59m59s\"\n", 4,
     "issuer[0].generated_crl.validity", "= 11h59m59s, less than the 12h"},
    {"D-12: a delay of hours", CRL "delay = \"1h1s\"\n", 4, "issuer[0].generated_crl.delay", "(D-12)"},
    {"D-14: a CA's once a year", CA "every = \"361d\"\nvalidity = \"364d\"\n", 6,
     "issuer[0].generated_crl.every", "(D-14)"},
    {"D-14: a CA's for longer than a year", CA "validity = \"365d\"\n", 6, "issuer[0].generated_crl.validity",
     "(D-14)"},
    {"a spare that ends before what it is a spare of", CRL "spare = \"48h\"\n", 4,
     "issuer[0].generated_crl.spare", "is not above validity"},
    {"a CRL that is read and made", "[[issuer]]\ncrl = \"a.crl\"\n[issuer.generated_crl]\nkey = \"k\"\n", 2,
     "issuer[0].crl", "CRLs are made here"},
    {"a delta that is no URL", CRL "delta = \"/delta.crl\"\n", 4, "issuer[0].generated_crl.delta",
     "is not \"http://\", a host and a path"},
    {"a PIN in the name of a key",
     "[[issuer]]\n[issuer.generated_crl]\nkey = \"pkcs11:token=t?pin-value=1\"\n", 3,
     "issuer[0].generated_crl.key",
     "has a PIN; write the path of a file with it into issuer[0].generated_crl.key_passphrase"},
    {"F-20: a part of another kind", CRL "partitions = [\"http://a/b\"]\n", 4,
     "issuer[0].generated_crl.partitions[0]", "F-20"},
    {"a part at the complete CRL's path", CRL "partitions = [\"http://a/ca.crl\"]\n", 4,
     "issuer[0].generated_crl.partitions[0]", "the path of another CRL"},
    {"two parts at one path", CRL "partitions = [\"http://a/1.crl\", \"http://b/1.crl\"]\n", 4,
     "issuer[0].generated_crl.partitions[1]", "the path of another CRL"},
    {"a part with a port and an escape", CRL "partitions = [\"http://a:80/%31.crl\"]\n", 4,
     "issuer[0].generated_crl.partitions[0]", "'%'"},
};

}  // namespace

BOOST_AUTO_TEST_CASE(each_mistake_about_crls_that_are_made_is_named) {
    for (const BadFile& bad : bad_files)
        check_one(bad);
}

BOOST_AUTO_TEST_CASE(a_key_in_a_token_is_named_as_it_is_written_and_is_no_file) {
    const std::string name = "pkcs11:token=t;object=crl?module-path=/usr/lib/x.so";
    Loaded loaded = load_example_text("[[issuer]]\nsigner_key = \"" + name +
                                      "\"\n[issuer.generated_crl]\nkey = \"" + name + "\"\n");
    BOOST_TEST_REQUIRE(loaded.mistakes.empty(), listing(loaded.mistakes));
    BOOST_TEST(loaded.config.issuers[0].signer_key.string() == name);
    BOOST_TEST(loaded.config.issuers[0].generated_crl.key.string() == name);
    check_files(loaded, Role::signer);
    for (const Mistake& mistake : loaded.mistakes)
        BOOST_TEST(mistake.field.find("key") == std::string::npos, listing(loaded.mistakes));
}

BOOST_AUTO_TEST_CASE(crls_to_be_made_are_read) {
    const Loaded loaded = load_example_text(
        CRL
        "every = \"6h\"\nvalidity = \"18h\"\nspare = \"off\"\ndelta = \"http://h:8080/d.crl\"\n"
        "partitions = [\"http://h/p/1.crl\"]\n");
    BOOST_TEST(loaded.mistakes.empty(), listing(loaded.mistakes));
    const GeneratedCrl& crl = loaded.config.issuers.at(0).generated_crl;
    BOOST_TEST(crl.on());
    BOOST_TEST(crl.every.count() == 6 * 3600);
    BOOST_TEST(!crl.spare.has_value());
    BOOST_TEST(path_of_uri(crl.delta) == "/d.crl");
    BOOST_TEST(path_of_uri(crl.partitions.at(0)) == "/p/1.crl");
    BOOST_TEST(path_of_uri("http:///x.crl") == "");
    BOOST_TEST(path_of_uri("https://h/x.crl") == "");
    BOOST_TEST(!load_example_text("[[issuer]]\n").config.issuers.at(0).generated_crl.on());
}
