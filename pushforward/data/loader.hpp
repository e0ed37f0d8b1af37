#pragma once

#include "pushforward/core/dataset.hpp"
#include "pushforward/data/scaling.hpp"
#include "pushforward/data/shuffle.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace pushforward {

/// `rows` of a data set in model units.
Batch take(const Dataset& data, std::span<const std::int64_t> rows, const Scaling& scaling = {});

/// A data set in model units.
class ScaledData : public Dataset {
public:
    ScaledData(std::shared_ptr<const Dataset> data, Scaling scaling);
    const DataSpec& spec() const override { return data_->spec(); }
    std::int64_t size() const override { return data_->size(); }
    Batch get(std::span<const std::int64_t> rows) const override;

private:
    std::shared_ptr<const Dataset> data_;
    Scaling scaling_;
};

/// An endless stream of shuffled training batches in model units, made ahead on one thread.
///
/// The stream is the chain of epochs 0, 1, 2, ..., each a permutation of `rows` that depends on
/// (seed, epoch); batch k is its items kB .. kB + B - 1, so batch k depends on (seed, k) alone,
/// no row is skipped or repeated within an epoch, and a set smaller than a batch is wrapped around.
/// Rows are fetched when they are needed: the loader holds `prefetch` batches and no data.
class Loader {
public:
    Loader(std::shared_ptr<const Dataset> data, std::vector<std::int64_t> rows, Scaling scaling,
           std::int64_t batch, std::uint64_t seed, std::int64_t prefetch = 2);
    ~Loader();

    /// Batch number `cursor()`; moves the cursor on. What went wrong on the thread is thrown here.
    Batch next();
    std::int64_t cursor() const { return cursor_; }
    /// Continues with batch k.
    void seek(std::int64_t k);

    /// The rows of batch k.
    std::vector<std::int64_t> rows_of(std::int64_t k) const;
    std::int64_t batch_size() const { return batch_; }
    std::int64_t rows() const { return static_cast<std::int64_t>(rows_.size()); }

private:
    struct Made {
        std::int64_t k = 0;
        Batch batch = {};
        std::exception_ptr error = {};
    };
    void work(std::stop_token stop);

    std::shared_ptr<const Dataset> data_;
    std::vector<std::int64_t> rows_;
    Scaling scaling_;
    std::int64_t batch_;
    std::uint64_t seed_;
    std::size_t prefetch_;

    std::int64_t cursor_ = 0;  ///< the caller's: the next batch to be handed out
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Made> queue_;
    std::int64_t wanted_ = 0;  ///< the next batch that the thread makes
    std::jthread thread_;      ///< last: it ends before anything that it uses
};

}  // namespace pushforward
