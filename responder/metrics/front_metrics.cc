#include "responder/metrics/front_metrics.h"

#include <cassert>

namespace eightbells::metrics {
namespace {

// A family whose series are made by a function at the scrape.
class ComputedFamily final : public FamilyBase {
  public:
    using Compute = std::function<prometheus::MetricFamily()>;
    ComputedFamily(MetricSet& set, Metric id, Compute compute)
        : FamilyBase(set, id), compute_(std::move(compute)) {}
    prometheus::MetricFamily collect() const override { return compute_(); }

  private:
    Compute compute_;
};

// Series that can occur are there from the start; the others only if they were counted all the same.
bool can_occur(bool has_issuer, Method method, Hash hash, Outcome outcome) {
    if (has_issuer != names_an_issuer(outcome) && outcome != Outcome::internal_error)
        return false;
    const bool a_file =
        outcome == Outcome::crl || outcome == Outcome::crl_unavailable || outcome == Outcome::certificate;
    if (a_file)
        return hash == Hash::none && method != Method::post;
    const bool has_cert_id =
        names_an_issuer(outcome) ? has_issuer : outcome == Outcome::unauthorized_foreign_issuer;
    return has_cert_id == (hash != Hash::none);
}

}  // namespace

WorkerCounters::WorkerCounters(MetricSet& set, std::vector<std::string> fault_names)
    : set_(set), fault_names_(std::move(fault_names)) {
    families_.push_back(
        std::make_unique<ComputedFamily>(set, Metric::front_requests, [this] { return requests(); }));
    families_.push_back(std::make_unique<ComputedFamily>(set, Metric::front_request_duration,
                                                         [this] { return durations(); }));
    families_.push_back(
        std::make_unique<ComputedFamily>(set, Metric::front_malformed_requests, [this] { return faults(); }));
}

void WorkerCounters::attach(const RequestCounters& counters) {
    assert(counters.issuers() == set_.issuers().size() && counters.faults() == fault_names_.size());
    const std::scoped_lock lock(mutex_);
    counters_.push_back(&counters);
}

std::vector<const RequestCounters*> WorkerCounters::copy() const {
    const std::scoped_lock lock(mutex_);
    return counters_;
}

prometheus::MetricFamily WorkerCounters::requests() const {
    const auto workers = copy();
    std::vector<std::string> issuers = set_.issuers();
    issuers.emplace_back("none");
    prometheus::MetricFamily family = empty_family(Metric::front_requests);
    family.metric = label_product(Metric::front_requests, {issuers,
                                                           {method_names.begin(), method_names.end()},
                                                           {hash_names.begin(), hash_names.end()},
                                                           {outcome_names.begin(), outcome_names.end()}});
    std::size_t kept = 0;
    for (std::size_t i = 0; i < family.metric.size(); ++i) {
        const auto outcome = static_cast<Outcome>(i % outcomes);
        const auto hash = static_cast<Hash>(i / outcomes % hashes);
        const auto method = static_cast<Method>(i / outcomes / hashes % methods);
        const std::size_t issuer = i / outcomes / hashes / methods;
        std::uint64_t sum = 0;
        for (const RequestCounters* worker : workers)
            sum += worker->count(issuer, method, hash, outcome);
        if (sum == 0 && !can_occur(issuer < set_.issuers().size(), method, hash, outcome))
            continue;
        family.metric[i].counter.value = static_cast<double>(sum);
        if (kept != i)
            family.metric[kept] = std::move(family.metric[i]);
        ++kept;
    }
    family.metric.resize(kept);
    return family;
}

prometheus::MetricFamily WorkerCounters::durations() const {
    const auto workers = copy();
    prometheus::MetricFamily family = empty_family(Metric::front_request_duration);
    family.metric =
        label_product(Metric::front_request_duration, {{answer_kind_names.begin(), answer_kind_names.end()}});
    for (std::size_t i = 0; i < family.metric.size(); ++i) {
        const auto kind = static_cast<AnswerKind>(i);
        auto& histogram = family.metric[i].histogram;
        std::uint64_t cumulative = 0;
        for (std::size_t bucket = 0; bucket < RequestCounters::buckets; ++bucket) {
            for (const RequestCounters* worker : workers)
                cumulative += worker->duration_count(kind, bucket);
            if (bucket < request_bounds.size())
                histogram.bucket.push_back({cumulative, request_bounds[bucket]});
        }
        histogram.sample_count = cumulative;
        for (const RequestCounters* worker : workers)
            histogram.sample_sum += worker->duration_sum_seconds(kind);
    }
    return family;
}

prometheus::MetricFamily WorkerCounters::faults() const {
    const auto workers = copy();
    prometheus::MetricFamily family = empty_family(Metric::front_malformed_requests);
    family.metric = label_product(Metric::front_malformed_requests, {fault_names_});
    for (std::size_t i = 0; i < family.metric.size(); ++i) {
        for (const RequestCounters* worker : workers)
            family.metric[i].counter.value += static_cast<double>(worker->fault_count(i));
    }
    return family;
}

}  // namespace eightbells::metrics
