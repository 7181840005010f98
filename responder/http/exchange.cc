#include "responder/http/exchange.h"

#include <unistd.h>

#include "responder/http/connection.h"

namespace eightbells::http {

BodyFile::~BodyFile() {
    if (fd_ >= 0)
        ::close(fd_);
}

Deferred& Deferred::operator=(Deferred&& other) noexcept {
    if (this != &other) {
        respond(ResponseHead{500, {}, {}, {}, {}}, {});
        connection_ = std::move(other.connection_);
    }
    return *this;
}

Deferred::~Deferred() {
    respond(ResponseHead{500, {}, {}, {}, {}}, {});
}

void Deferred::respond(const ResponseHead& head, ByteView body) noexcept {
    const std::shared_ptr<Connection*> connection = std::exchange(connection_, {}).lock();
    if (connection)
        (*connection)->respond_deferred(head, body);
}

UtcTime Exchange::now() const noexcept {
    return connection_.worker_.moment.now;
}
void Exchange::respond(const ResponseHead& head, ByteView body) noexcept {
    connection_.respond(head, body);
}
void Exchange::respond_file(const ResponseHead& head, std::shared_ptr<const BodyFile> file,
                            std::uint64_t size) noexcept {
    connection_.respond_file(head, std::move(file), size);
}
Deferred Exchange::defer() noexcept {
    return connection_.defer();
}

}  // namespace eightbells::http
