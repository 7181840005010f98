#ifndef EIGHTBELLS_BENCH_HISTOGRAM_H
#define EIGHTBELLS_BENCH_HISTOGRAM_H

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace eightbells::bench {

// Times in nanoseconds, each kept to one part in 64 (1.6 %) whatever its size. A fixed 27 KiB.
class Histogram {
  public:
    void add(std::uint64_t nanoseconds) noexcept {
        ++counts_[row_of(nanoseconds)];
        ++total_;
    }
    std::uint64_t total() const noexcept { return total_; }

    // The time that `share` (0 to 1) of all stay within: the upper end of its row. 0 when there are none.
    std::uint64_t quantile(double share) const noexcept {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
        std::uint64_t seen = 0;
        for (std::size_t row = 0; row < counts_.size(); ++row) {
            seen += counts_[row];
            if (seen > wanted || (seen == total_ && seen != 0))
                return upper_end(row);
        }
        return 0;
    }

  private:
    // Values below 64 have a row each; above, 64 rows for each power of two.
    static constexpr unsigned fine_bits = 6;
    static constexpr std::size_t fine = std::size_t{1} << fine_bits;
    static constexpr std::size_t rows = fine * 54;

    static std::size_t row_of(std::uint64_t value) noexcept {
        if (value < fine)
            return static_cast<std::size_t>(value);
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - fine_bits - 1;
        const std::size_t row = (std::size_t{shift} + 1) * fine + ((value >> shift) - fine);
        return row < rows ? row : rows - 1;
    }
    static std::uint64_t upper_end(std::size_t row) noexcept {
        if (row < fine)
            return row;
        const std::size_t shift = row / fine - 1;
        return ((fine + row % fine + 1) << shift) - 1;
    }

    std::array<std::uint64_t, rows> counts_{};
    std::uint64_t total_ = 0;
};

}  // namespace eightbells::bench

#endif
