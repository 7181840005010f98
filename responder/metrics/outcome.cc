#include "responder/metrics/outcome.h"

namespace eightbells::metrics {

AnswerKind kind_of(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::good:
        case Outcome::revoked:
            return AnswerKind::stored;
        case Outcome::live:
            return AnswerKind::live;
        case Outcome::crl:
        case Outcome::certificate:  // beside the CRLs: what is fetched seldom, and whole
            return AnswerKind::crl;
        default:
            return AnswerKind::error;
    }
}

bool names_an_issuer(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::unauthorized_foreign_issuer:
        case Outcome::malformed:
        case Outcome::certificate:
        case Outcome::not_found:
        case Outcome::http_error:
            return false;
        default:
            return true;
    }
}

}  // namespace eightbells::metrics
