#include "responder/keys/token.h"

#include <fmt/format.h>

#include <array>

#include "responder/keys/limits.h"

namespace eightbells::keys {

namespace {

// The module's answers come padded with blanks.
std::string trimmed(const unsigned char* text, std::size_t size) {
    std::string result{reinterpret_cast<const char*>(text), size};
    result.erase(result.find_last_not_of(' ') + 1);
    return result;
}

// The name as it may stand in the configuration, which is no place for a secret.
Status check_name(P11KitUri& uri) {
    if (p11_kit_uri_any_unrecognized(&uri) != 0)
        return fail("it has an attribute that RFC 7512 does not know");
    if (p11_kit_uri_get_pin_value(&uri) != nullptr || p11_kit_uri_get_pin_source(&uri) != nullptr)
        return fail("the PIN does not stand here, but in the file of the key's passphrase");
    if (p11_kit_uri_get_module_path(&uri) == nullptr)
        return fail("its end must name the module: ?module-path=/usr/lib/softhsm/libsofthsm2.so");
    CK_ATTRIBUTE* type = p11_kit_uri_get_attribute(&uri, CKA_CLASS);
    if (type != nullptr && (type->ulValueLen != sizeof(CK_OBJECT_CLASS) ||
                            *static_cast<const CK_OBJECT_CLASS*>(type->pValue) != CKO_PRIVATE_KEY))
        return fail("its type is not \"private\"");
    return {};
}

}  // namespace

std::string token_words(CK_RV returned) {
    const char* words = p11_kit_strerror(returned);
    return fmt::format("{} (PKCS#11 {:#x})", words == nullptr ? "it failed" : words, returned);
}

Result<std::shared_ptr<Token>> Token::load(const std::string& uri, std::string pin) {
    std::shared_ptr<Token> token{new Token};
    token->pin_ = std::move(pin);
    token->uri_.reset(p11_kit_uri_new());
    if (!token->uri_)
        return fail("no memory for its name");
    if (const int read = p11_kit_uri_parse(uri.c_str(), P11_KIT_URI_FOR_ANY, token->uri_.get());
        read != P11_KIT_URI_OK)
        return fail(fmt::format("it is no PKCS#11 URI (RFC 7512): {}", p11_kit_uri_message(read)));
    if (auto right = check_name(*token->uri_); !right)
        return tl::unexpected(right.error());
    const std::string path = p11_kit_uri_get_module_path(token->uri_.get());
    token->module_.reset(p11_kit_module_load(path.c_str(), 0));
    if (!token->module_) {
        const char* why = p11_kit_message();
        return fail(fmt::format("module-path {}: {}", path, why == nullptr ? "cannot be loaded" : why));
    }
    if (const CK_RV begun = p11_kit_module_initialize(token->module_.get()); begun != CKR_OK)
        return fail(fmt::format("module-path {}: {}", path, token_words(begun)));
    token->initialised_ = true;
    return token;
}

Token::~Token() {
    if (initialised_)
        p11_kit_module_finalize(module_.get());
}

Result<CK_SLOT_ID> Token::find_slot() const {
    std::array<CK_SLOT_ID, limits::token_slots> slots{};
    CK_ULONG count = slots.size();
    if (const CK_RV listed = module_->C_GetSlotList(CK_TRUE, slots.data(), &count); listed != CKR_OK)
        return fail("its slots cannot be listed: " + token_words(listed));
    std::string present;
    std::vector<CK_SLOT_ID> found;
    for (CK_ULONG i = 0; i < count; ++i) {
        CK_TOKEN_INFO facts{};
        if (module_->C_GetTokenInfo(slots[i], &facts) != CKR_OK)
            continue;  // taken out between the two calls
        if (p11_kit_uri_match_token_info(uri_.get(), &facts) == 1)
            found.push_back(slots[i]);
        present +=
            fmt::format("{}\"{}\"", present.empty() ? "" : ", ", trimmed(facts.label, sizeof facts.label));
    }
    if (found.size() == 1)
        return found.front();
    return fail(fmt::format("{} token of this name is present; there are: {}",
                            found.empty() ? "no" : "more than one",
                            present.empty() ? "none at all" : present));
}

Status Token::log_in(CK_SESSION_HANDLE session) const {
    if (pin_.empty())
        return {};
    const std::scoped_lock lock{login_};
    if (pin_refused_)
        return fail("its PIN was refused before and is not tried again before a restart");
    std::string pin = pin_;
    const CK_RV entered =
        module_->C_Login(session, CKU_USER, reinterpret_cast<unsigned char*>(pin.data()), pin.size());
    if (entered == CKR_OK || entered == CKR_USER_ALREADY_LOGGED_IN)
        return {};
    if (entered == CKR_PIN_INCORRECT || entered == CKR_PIN_LOCKED || entered == CKR_PIN_INVALID ||
        entered == CKR_PIN_LEN_RANGE || entered == CKR_PIN_EXPIRED)
        pin_refused_ = true;
    return fail("the token does not let us in: " + token_words(entered));
}

Status Token::find_key(Session& session) const {
    CK_ULONG count = 0;
    const CK_ATTRIBUTE* named = p11_kit_uri_get_attributes(uri_.get(), &count);
    std::vector<CK_ATTRIBUTE> wanted;
    CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
    wanted.push_back({CKA_CLASS, &private_key, sizeof private_key});
    for (CK_ULONG i = 0; i < count; ++i) {
        if (named[i].type != CKA_CLASS)
            wanted.push_back(named[i]);
    }
    std::array<CK_OBJECT_HANDLE, 2> keys{};
    CK_ULONG found = 0;
    CK_RV looked = module_->C_FindObjectsInit(session.handle_, wanted.data(), wanted.size());
    if (looked == CKR_OK) {
        looked = module_->C_FindObjects(session.handle_, keys.data(), keys.size(), &found);
        module_->C_FindObjectsFinal(session.handle_);
    }
    if (looked != CKR_OK)
        return fail("its keys cannot be listed: " + token_words(looked));
    if (found != 1)
        return fail(found == 0
                        ? fmt::format("the token has no private key of this name{}",
                                      pin_.empty() ? ", or shows it only to who has the PIN" : "")
                        : "the token has more than one private key of this name; add object=… or id=…");
    session.key_ = keys[0];
    return {};
}

Result<std::unique_ptr<Token::Session>> Token::open() const {
    const auto slot = find_slot();
    if (!slot)
        return tl::unexpected(slot.error());
    CK_SESSION_HANDLE handle = 0;
    if (const CK_RV opened = module_->C_OpenSession(*slot, CKF_SERIAL_SESSION, nullptr, nullptr, &handle);
        opened != CKR_OK)
        return fail("no session with the token: " + token_words(opened));
    std::unique_ptr<Session> session{new Session{*this, handle}};
    if (auto in = log_in(handle); !in)
        return tl::unexpected(in.error());
    if (auto found = find_key(*session); !found)
        return tl::unexpected(found.error());
    return session;
}

Token::Session::~Session() {
    token_.module_->C_CloseSession(handle_);
}

bool Token::Session::flag(CK_ATTRIBUTE_TYPE type, bool otherwise) const noexcept {
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE asked{type, &value, sizeof value};
    if (token_.module_->C_GetAttributeValue(handle_, key_, &asked, 1) != CKR_OK ||
        asked.ulValueLen != sizeof value)
        return otherwise;
    return value != CK_FALSE;
}

}  // namespace eightbells::keys
