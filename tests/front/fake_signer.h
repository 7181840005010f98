#ifndef EIGHTBELLS_TESTS_FRONT_FAKE_SIGNER_H
#define EIGHTBELLS_TESTS_FRONT_FAKE_SIGNER_H

#include <event2/event.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <vector>

#include "responder/live/message.h"
#include "responder/ocsp/answer.h"
#include "tests/front/world.h"

namespace eightbells::front::test {

// The other end of the private call, on the test's own loop, answering as it is told to.
class FakeSigner {
  public:
    FakeSigner(event_base* base, const std::filesystem::path& path, const Authority& authority,
               const Clock& clock)
        : base_(base), authority_(authority), clock_(clock) {
        listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, path.c_str());
        if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listening_, 8) != 0)
            throw std::runtime_error("listen");
        accept_ = event_new(
            base, listening_, EV_READ | EV_PERSIST,
            [](evutil_socket_t, short, void* self) noexcept { static_cast<FakeSigner*>(self)->take(); },
            this);
        event_add(accept_, nullptr);
    }
    ~FakeSigner() {
        hang_up();
        event_free(accept_);
        ::close(listening_);
    }

    // What is done with a call; nullopt: nothing is sent.
    std::function<std::optional<live::Reply>(const live::Call&)> on_call = [this](const live::Call& call) {
        return std::optional(signed_reply(call));
    };
    std::vector<live::Call> calls;
    std::size_t connections = 0;  // so far

    // All good, or as `change` makes them.
    using Change = std::function<void(std::vector<ocsp::LiveSingle>&)>;
    live::Reply signed_reply(const live::Call& call, const std::optional<Bytes>& nonce_instead = {},
                             const Change& change = {}, const Authority* by = nullptr) const {
        std::vector<ocsp::LiveSingle> singles(call.cert_ids.size());
        for (std::size_t i = 0; i < singles.size(); ++i) {
            singles[i].cert_id = call.cert_ids[i];
            singles[i].this_update = clock_.now();
            singles[i].next_update = clock_.now() + std::chrono::hours(8);
        }
        if (change)
            change(singles);
        const Authority& signer = by != nullptr ? *by : authority_;
        const auto profile = signer.profile(HashAlgorithm::sha256);
        const auto& nonce = nonce_instead ? nonce_instead : call.nonce;
        std::array<std::uint8_t, 8192> data;
        std::array<std::uint8_t, 8192> whole;
        std::array<std::uint8_t, 256> value;
        const ByteView tbs =
            ocsp::encode_live_response_data(profile.responder_key_hash, clock_.now(), singles,
                                            nonce ? std::optional<ByteView>(*nonce) : std::nullopt, data);
        const Bytes raw = signer.sign(tbs);
        const ByteView response =
            ocsp::encode_signed_response(tbs, profile.signature_algorithm,
                                         ocsp::encode_signature_value(profile.signature_form, raw, value),
                                         profile.signer_certificate, whole);
        return {call.id, live::Verdict::signed_answer, Bytes(response.begin(), response.end())};
    }
    void send(const live::Reply& reply) { send(live::encode(reply)); }
    void send(const Bytes& octets) {
        if (::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL) < 0)
            throw std::runtime_error("send");
    }
    void hang_up() {
        if (read_ != nullptr)
            event_free(read_);
        read_ = nullptr;
        if (fd_ >= 0)
            ::close(fd_);
        fd_ = -1;
        in_.clear();
    }
    bool connected() const { return fd_ >= 0; }

  private:
    void take() {
        hang_up();
        ++connections;
        fd_ = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        read_ = event_new(
            base_, fd_, EV_READ | EV_PERSIST,
            [](evutil_socket_t, short, void* self) noexcept { static_cast<FakeSigner*>(self)->read(); },
            this);
        event_add(read_, nullptr);
    }
    void read() {
        std::array<std::uint8_t, 65536> chunk;
        const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), 0);
        if (n <= 0)
            return hang_up();
        in_.insert(in_.end(), chunk.begin(), chunk.begin() + n);
        ByteView rest = in_;
        while (auto call = need(live::take_call(rest))) {
            calls.push_back(*call);
            if (const auto reply = on_call(*call))
                send(*reply);
        }
        in_ = Bytes(rest.begin(), rest.end());
    }

    event_base* base_;
    const Authority& authority_;
    const Clock& clock_;
    int listening_ = -1;
    int fd_ = -1;
    event* accept_ = nullptr;
    event* read_ = nullptr;
    Bytes in_;
};

}  // namespace eightbells::front::test

#endif
