#ifndef EIGHTBELLS_TESTS_FRONT_SMALL_H
#define EIGHTBELLS_TESTS_FRONT_SMALL_H

#include "tests/front/world.h"

namespace eightbells::front::test {

// One issuer with a good and a revoked certificate, loaded.
struct Small : World {
    Small() : Small(World::Options{}) {}
    explicit Small(World::Options options) : World(std::move(options)) {
        set().revoke(revoked);
        publish();
    }
    std::string ask_for(const AskedId& id) { return verdict(post(request_der({id})), authority(), {id}); }
    Bytes good = set().issue();
    Bytes revoked = set().issue();
    Bytes unissued{0x12, 0x34, 0x56};
};

}  // namespace eightbells::front::test

#endif
