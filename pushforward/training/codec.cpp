#include "pushforward/training/codec.hpp"

#include "pushforward/base/checksum.hpp"
#include "pushforward/base/compress.hpp"
#include "pushforward/base/errors.hpp"
#include "pushforward/base/frequencies.hpp"
#include "pushforward/families/capabilities.hpp"

#include <torch/types.h>

#include <memory>
#include <vector>

namespace pushforward {
namespace {

/// Of all counts, those left to bytes that no symbol says: 2^-20.
constexpr std::uint32_t kEscape = 1U << (frequency_bits - 20);
/// Grows when the arithmetic of `next` or of the frequencies changes.
constexpr const char* kArithmetic = "pushforward arithmetic 1";

class RunSymbols : public SymbolModel {
public:
    RunSymbols(const Sequential& model, const CodecProgress& progress)
        : model_(model),
          frequencies_(static_cast<std::size_t>(model.symbols())),
          progress_(progress) {}

    void begin() override {
        state_ = model_.start({}, 1);
        logits_ = model_.next(*state_, torch::empty({1, 0}, torch::kLong));
    }
    std::span<const std::uint32_t> frequencies() override {
        const auto* l = logits_.const_data_ptr<float>();
        integer_frequencies({l, frequencies_.size()}, (1U << frequency_bits) - kEscape,
                            frequencies_);
        return frequencies_;
    }
    void push(std::uint32_t symbol) override {
        logits_ = model_.next(*state_,
                              torch::full({1, 1}, static_cast<std::int64_t>(symbol), torch::kLong));
        if (progress_) progress_(++done_);
    }

private:
    const Sequential& model_;
    std::unique_ptr<Sequential::State> state_;
    Tensor logits_;
    std::vector<std::uint32_t> frequencies_;
    CodecProgress progress_;
    std::int64_t done_ = 0;
};

const Vocabulary& coding_vocabulary(const OpenedRun& run) {
    const Vocabulary* vocabulary = run.description.vocabulary.get();
    if (!vocabulary || !run.model->sequential() || !run.model->spec().conditions.empty())
        throw UsageError("compress: " + run.recipe.model.name +
                         (vocabulary && run.model->sequential()
                              ? " is conditional, and a file has no condition"
                              : " says no text symbol by symbol") +
                         "; models that do: " +
                         models_that([](const Model& m) { return m.spec().x.is_sequence(); }));
    if (vocabulary->kind() == "sentencepiece")
        throw UsageError("compress: a SentencePiece vocabulary changes text before it is encoded");
    return *vocabulary;
}

/// Symbols whose spellings are the content; bytes that none says are escaped.
Alphabet alphabet_of(const Vocabulary& vocabulary) {
    Alphabet alphabet;
    for (Symbol s = 0; s < vocabulary.size(); ++s)
        alphabet.texts.emplace_back(vocabulary.spelling(s));
    alphabet.parse = [&vocabulary](Bytes content) {
        std::string_view left(reinterpret_cast<const char*>(content.data()), content.size());
        const auto escape = static_cast<std::uint32_t>(vocabulary.size());
        std::vector<std::uint32_t> out;
        while (!left.empty()) {
            const std::size_t known = std::min(vocabulary.find_unknown(left), left.size());
            for (const Symbol s : vocabulary.encoded(left.substr(0, known)))
                out.push_back(static_cast<std::uint32_t>(s));
            left.remove_prefix(known);
            if (left.empty()) break;
            out.push_back(escape + static_cast<unsigned char>(left.front()));
            left.remove_prefix(1);
        }
        return out;
    };
    return alphabet;
}

/// Of all that the frequencies depend on.
std::string model_hash(const OpenedRun& run) {
    return sha256(bytes_of(kArithmetic + sha256(map_file(run.folder.weights()).bytes) +
                           run.description.vocabulary->identity()));
}

}  // namespace

Buffer compress_with(const OpenedRun& run, Bytes content, const CodecProgress& progress) {
    const Alphabet alphabet = alphabet_of(coding_vocabulary(run));
    RunSymbols symbols(*run.model->sequential(), progress);
    return compress(content, model_hash(run), alphabet, symbols);
}

Buffer decompress_with(const OpenedRun& run, const Blob& file, const CodecProgress& progress) {
    const Alphabet alphabet = alphabet_of(coding_vocabulary(run));
    RunSymbols symbols(*run.model->sequential(), progress);
    return decompress(file, model_hash(run), alphabet, symbols);
}

}  // namespace pushforward
