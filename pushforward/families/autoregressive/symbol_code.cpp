#include "pushforward/families/autoregressive/symbol_code.hpp"

#include "pushforward/base/errors.hpp"

#include <ATen/TensorOperators.h>

#include <cmath>

namespace pushforward {
namespace {

class TextCode : public SymbolCode {
public:
    explicit TextCode(const Space& x) : x_(x) {
        if (!x.is_sequence())
            throw UsageError("this model learns sequences of symbols (text), not numbers");
    }
    std::int64_t symbols() const override { return x_.symbols; }
    std::int64_t length() const override { return x_.event[0] < 0 ? 0 : x_.event[0]; }
    Tensor to_symbols(const Tensor& x) const override { return x; }
    Tensor to_items(const Tensor& symbols) const override { return symbols; }

private:
    Space x_;
};

/// The nearest whole numbers; UsageError where one is further than 1e-3 or outside.
Tensor whole(const Tensor& k, std::int64_t symbols, const char* expected) {
    const Tensor rounded = k.round();
    const bool good = (k - rounded).abs().lt(1e-3).all().item<bool>() &&
                      rounded.ge(0).all().item<bool>() && rounded.lt(symbols).all().item<bool>();
    if (!good) throw UsageError(text("this model learns ", expected, ", 0 to ", symbols - 1));
    return rounded.to(at::kLong);
}

class LevelCode : public SymbolCode {
public:
    LevelCode(const Space& x, std::int64_t levels) : x_(x), levels_(levels) {
        if (!x.is_image()) throw UsageError("this model learns pictures");
    }
    std::int64_t symbols() const override { return levels_; }
    std::int64_t length() const override { return x_.dimensions(); }
    Tensor to_symbols(const Tensor& x) const override {
        const Tensor k = (x + 1) * (static_cast<double>(levels_ - 1) / 2);
        return whole(k, levels_, "pictures whose levels are spread evenly over [-1, 1]")
            .permute({0, 2, 3, 1})
            .flatten(1);
    }
    Tensor to_items(const Tensor& symbols) const override {
        const auto& e = x_.event;
        return (symbols.to(at::kFloat) * (2 / static_cast<double>(levels_ - 1)) - 1)
            .view({symbols.size(0), e[1], e[2], e[0]})
            .permute({0, 3, 1, 2})
            .contiguous();
    }

private:
    Space x_;
    std::int64_t levels_;
};

class IntegerCode : public SymbolCode {
public:
    IntegerCode(const Space& x, std::int64_t symbols) : x_(x), symbols_(symbols) {
        if (x.kind != Kind::real || x.event.empty())
            throw UsageError("this model learns vectors or pictures of whole numbers");
    }
    std::int64_t symbols() const override { return symbols_; }
    std::int64_t length() const override { return x_.dimensions(); }
    Tensor to_symbols(const Tensor& x) const override {
        return whole(x, symbols_, "whole numbers (with data.scale = false)").flatten(1);
    }
    Tensor to_items(const Tensor& symbols) const override {
        std::vector<std::int64_t> shape = x_.event;
        shape.insert(shape.begin(), symbols.size(0));
        return symbols.to(at::kFloat).view(shape);
    }

private:
    Space x_;
    std::int64_t symbols_;
};

class MuLawCode : public SymbolCode {
public:
    MuLawCode(const Space& x, std::int64_t symbols) : x_(x), symbols_(symbols) {
        if (x.kind != Kind::real || x.event.size() != 1)
            throw UsageError("this model learns sound or other series of numbers");
    }
    std::int64_t symbols() const override { return symbols_; }
    std::int64_t length() const override { return x_.dimensions(); }
    Tensor to_symbols(const Tensor& x) const override {
        if (!x.abs().le(1).all().item<bool>())
            throw UsageError("this model learns numbers in [-1, 1]");
        const double mu = static_cast<double>(symbols_ - 1);
        const Tensor f = x.sign() * (x.abs() * mu).log1p() / std::log1p(mu);
        return ((f + 1) * (mu / 2)).round().to(at::kLong);
    }
    Tensor to_items(const Tensor& symbols) const override {
        const double mu = static_cast<double>(symbols_ - 1);
        const Tensor f = symbols.to(at::kFloat) * (2 / mu) - 1;
        return f.sign() * (f.abs() * std::log1p(mu)).expm1() / mu;
    }

private:
    Space x_;
    std::int64_t symbols_;
};

}  // namespace

std::unique_ptr<SymbolCode> text_code(const Space& x) {
    return std::make_unique<TextCode>(x);
}
std::unique_ptr<SymbolCode> level_code(const Space& x, std::int64_t levels) {
    return std::make_unique<LevelCode>(x, levels);
}
std::unique_ptr<SymbolCode> integer_code(const Space& x, std::int64_t symbols) {
    return std::make_unique<IntegerCode>(x, symbols);
}
std::unique_ptr<SymbolCode> mu_law_code(const Space& x, std::int64_t symbols) {
    return std::make_unique<MuLawCode>(x, symbols);
}

}  // namespace pushforward
