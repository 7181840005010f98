#ifndef EIGHTBELLS_RESPONDER_KEYS_TOKEN_H
#define EIGHTBELLS_RESPONDER_KEYS_TOKEN_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "responder/base/result.h"

// PKCS#11 (v2.40) as far as one private key needs it, through p11-kit, which reads RFC 7512's names and lets
// several users of one module in a process live beside each other.
namespace eightbells::keys {

// The module of a name, initialised, and what the name says of token and key. Thread-safe.
class Token {
  public:
    // Loads the module. An error names the part of the URI that is missing or wrong.
    static Result<std::shared_ptr<Token>> load(const std::string& uri, std::string pin);
    ~Token();
    Token(const Token&) = delete;
    Token& operator=(const Token&) = delete;

    CK_FUNCTION_LIST& module() const noexcept { return *module_; }

    // A session, logged in where a PIN is known, and the key in it. For one thread at a time; ends with the
    // object, and must not outlive the token.
    class Session {
      public:
        ~Session();
        Session(const Session&) = delete;
        Session& operator=(const Session&) = delete;
        CK_SESSION_HANDLE handle() const noexcept { return handle_; }
        CK_OBJECT_HANDLE key() const noexcept { return key_; }
        // A CK_BBOOL attribute of the key; `otherwise` where the token does not tell.
        bool flag(CK_ATTRIBUTE_TYPE type, bool otherwise) const noexcept;

      private:
        friend class Token;
        Session(const Token& token, CK_SESSION_HANDLE handle) noexcept : token_(token), handle_(handle) {}
        const Token& token_;
        CK_SESSION_HANDLE handle_;
        CK_OBJECT_HANDLE key_ = 0;
    };
    // Finds the token, whatever slot it is in by now, and in it the one private key of that name.
    Result<std::unique_ptr<Session>> open() const;

  private:
    struct Release {
        void operator()(P11KitUri* uri) const noexcept { p11_kit_uri_free(uri); }
        void operator()(CK_FUNCTION_LIST* module) const noexcept { p11_kit_module_release(module); }
    };
    Token() = default;
    Result<CK_SLOT_ID> find_slot() const;
    Status log_in(CK_SESSION_HANDLE session) const;
    Status find_key(Session& session) const;

    std::unique_ptr<P11KitUri, Release> uri_;
    std::unique_ptr<CK_FUNCTION_LIST, Release> module_;
    bool initialised_ = false;
    std::string pin_;
    mutable std::mutex login_;                      // a process logs in as a whole
    mutable std::atomic<bool> pin_refused_{false};  // tokens lock themselves after a few wrong ones
};

// "the token has no such key (CKR_...)": what a function of the module returned, in words.
std::string token_words(CK_RV returned);

}  // namespace eightbells::keys

#endif
