#include "pushforward/base/hdf5_calls.hpp"

#define H5_USE_110_API  // the calls of 1.10 from newer libraries, too
#include <hdf5.h>

#include <algorithm>

#include "pushforward/base/byte_order.hpp"

namespace pushforward {
namespace {

constexpr std::size_t mebibyte = 1 << 20;

/// An identifier that closes itself.
class Id {
public:
    Id(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
    ~Id() {
        if (id_ >= 0) close_(id_);
    }
    Id(const Id&) = delete;
    Id& operator=(const Id&) = delete;
    operator hid_t() const { return id_; }

private:
    hid_t id_;
    herr_t (*close_)(hid_t);
};

std::string reason = "libhdf5 gives no reason";  // of the last call that failed, where it began

/// Messages go to `reason`; plug-ins are not looked for.
void begin_library() {
    const auto remember = [](hid_t stack, void*) -> herr_t {
        const auto keep = [](unsigned n, const H5E_error2_t* error, void*) -> herr_t {
            if (n == 0 && error->desc) reason = error->desc;
            return 0;
        };
        return H5Ewalk2(stack, H5E_WALK_UPWARD, keep, nullptr);
    };
    H5Eset_auto2(H5E_DEFAULT, remember, nullptr);
    H5PLset_loading_state(0);
}

/// Opens the file in memory; HDF5's driver for that is made to use the bytes where they lie.
hid_t open_image(const Blob& blob) {
    static const Blob* image;  // a child opens one file
    image = &blob;
    H5FD_file_image_callbacks_t in_place{};
    in_place.image_malloc = [](std::size_t, H5FD_file_image_op_t, void*) -> void* {
        return const_cast<std::byte*>(image->bytes.data());
    };
    in_place.image_memcpy = [](void* to, const void*, std::size_t, H5FD_file_image_op_t, void*) {
        return to;
    };
    in_place.image_free = [](void*, H5FD_file_image_op_t, void*) -> herr_t { return 0; };
    const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    if (H5Pset_fapl_core(access, mebibyte, false) < 0 ||
        H5Pset_file_image_callbacks(access, &in_place) < 0 ||
        H5Pset_file_image(access, const_cast<std::byte*>(blob.bytes.data()), blob.bytes.size()) < 0)
        return -1;
    return H5Fopen("image", H5F_ACC_RDONLY, access);
}

/// IEEE's half and bfloat16, of which HDF5 has no name: 1 sign, exponent, mantissa.
hid_t float_of_16(std::size_t exponent, std::size_t mantissa) {
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, mantissa, exponent, 0, mantissa);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, (std::size_t{1} << (exponent - 1)) - 1);
    return type;
}

/// h5py's boolean.
hid_t boolean() {
    const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    const std::int8_t no = 0, yes = 1;
    H5Tenum_insert(type, "FALSE", &no);
    H5Tenum_insert(type, "TRUE", &yes);
    return type;
}

bool is_boolean(hid_t type) {
    const int yes = H5Tget_member_index(type, "TRUE");
    std::int8_t value = 0;
    return H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2 && yes >= 0 &&
           H5Tget_member_index(type, "FALSE") >= 0 &&
           H5Tget_member_value(type, static_cast<unsigned>(yes), &value) >= 0 && value == 1;
}

/// The type of an array's elements in memory; little-endian, as this machine is.
hid_t type_of(DType dtype) {
    switch (dtype) {
        case DType::boolean:
            return boolean();
        case DType::u8:
            return H5Tcopy(H5T_NATIVE_UINT8);
        case DType::i8:
            return H5Tcopy(H5T_NATIVE_INT8);
        case DType::i16:
            return H5Tcopy(H5T_NATIVE_INT16);
        case DType::u16:
            return H5Tcopy(H5T_NATIVE_UINT16);
        case DType::i32:
            return H5Tcopy(H5T_NATIVE_INT32);
        case DType::u32:
            return H5Tcopy(H5T_NATIVE_UINT32);
        case DType::i64:
            return H5Tcopy(H5T_NATIVE_INT64);
        case DType::u64:
            return H5Tcopy(H5T_NATIVE_UINT64);
        case DType::f16:
            return float_of_16(5, 10);
        case DType::bf16:
            return float_of_16(8, 7);
        case DType::f32:
            return H5Tcopy(H5T_NATIVE_FLOAT);
        case DType::f64:
            return H5Tcopy(H5T_NATIVE_DOUBLE);
    }
    return -1;
}

/// The type into which values of a file's type are read; `entry` hears which, or its problem.
hid_t memory_type(hid_t type, ArrayEntry& entry) {
    constexpr DType of_signed[] = {DType::i8, DType::i16, DType::i32, DType::i64};
    constexpr DType of_unsigned[] = {DType::u8, DType::u16, DType::u32, DType::u64};
    constexpr const char* names[] = {
        "integers",          "floats",     "times",      "texts",        "bit fields",
        "opaque bytes",      "structures", "references", "enumerations", "rows of varying length",
        "arrays as elements"};
    const H5T_class_t kind = H5Tget_class(type);
    const std::size_t size = H5Tget_size(type);
    const int log = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;
    bool known = log >= 0;
    if (kind == H5T_FLOAT) {
        std::size_t sign, exponent_at, exponent = 0, mantissa_at, mantissa = 0;
        H5Tget_fields(type, &sign, &exponent_at, &exponent, &mantissa_at, &mantissa);
        const bool half = exponent == 5 && mantissa == 10, brain = exponent == 8 && mantissa == 7;
        entry.dtype = log == 3   ? DType::f64
                      : log == 2 ? DType::f32
                      : half     ? DType::f16
                                 : DType::bf16;
        known = log >= 2 || (log == 1 && (half || brain));
    } else if (known && (kind == H5T_INTEGER || kind == H5T_ENUM || kind == H5T_BITFIELD)) {
        const Id base(kind == H5T_ENUM ? H5Tget_super(type) : H5Tcopy(type), H5Tclose);
        const bool with_sign = kind != H5T_BITFIELD && H5Tget_sign(base) == H5T_SGN_2;
        entry.dtype = (with_sign ? of_signed : of_unsigned)[log];
        const hid_t bits[] = {H5T_NATIVE_B8, H5T_NATIVE_B16, H5T_NATIVE_B32, H5T_NATIVE_B64};
        if (kind == H5T_BITFIELD) return H5Tcopy(bits[log]);
        const hid_t out = type_of(entry.dtype);
        if (kind == H5T_ENUM && is_boolean(type)) entry.dtype = DType::boolean;
        return out;
    } else {
        known = false;
    }
    if (known) return type_of(entry.dtype);
    entry.problem = "expected numbers, got ";
    entry.problem += kind >= 0 && kind < H5T_NCLASSES ? names[kind] : "an unknown type";
    if (kind == H5T_INTEGER || kind == H5T_FLOAT) entry.problem += text(" of ", size, " bytes");
    return -1;
}

/// Why the values of a data set that was made with these properties cannot be had.
std::string problem_of(hid_t properties) {
    if (H5Pget_layout(properties) == H5D_VIRTUAL || H5Pget_external_count(properties) > 0)
        return "its values lie in another file";
    for (int i = 0; i < H5Pget_nfilters(properties); ++i) {
        unsigned flags = 0, config = 0;
        std::size_t count = 0;
        char name[64] = "";
        const H5Z_filter_t filter = H5Pget_filter2(properties, static_cast<unsigned>(i), &flags,
                                                   &count, nullptr, sizeof name, name, &config);
        if (filter >= 0 && H5Zfilter_avail(filter) <= 0)
            return text("needs the filter ", filter, " (", name, "), which libhdf5 lacks");
    }
    return "";
}

/// What a data set holds, and the type into which it is read (below 0 with a problem).
hid_t describe(hid_t data, ArrayEntry& entry) {
    const Id type(H5Dget_type(data), H5Tclose), space(H5Dget_space(data), H5Sclose),
        properties(H5Dget_create_plist(data), H5Pclose);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    hsize_t sizes[H5S_MAX_RANK];
    if (type < 0 || properties < 0 || rank < 0 || rank > H5S_MAX_RANK ||
        H5Sget_simple_extent_dims(space, sizes, nullptr) < 0) {
        entry.problem = "malformed: " + reason;
        return -1;
    }
    entry.shape.assign(sizes, sizes + rank);
    const hid_t out = memory_type(type, entry);
    if (!entry.problem.empty()) return out;
    entry.problem = problem_of(properties);
    if (H5Sget_simple_extent_type(space) == H5S_NULL) entry.problem = "holds no values (null)";
    return out;
}

void tell(const Say& say, const std::string& part) {
    say(std::as_bytes(std::span(part.c_str(), part.size() + 1)));
}

void tell(const Say& say, const ArrayEntry& entry) {
    std::string sizes;
    for (const auto n : entry.shape) sizes += std::to_string(n) + ' ';
    for (const auto& part : {std::to_string(static_cast<int>(entry.dtype)), sizes, entry.name,
                             std::string(entry.problem.c_str())})
        tell(say, part);
}

/// Pieces of about a mebibyte, longest where the array's neighbours are.
std::vector<hsize_t> chunk_of(const std::vector<hsize_t>& sizes, std::size_t element) {
    std::vector<hsize_t> chunk = sizes;
    hsize_t bytes = element;
    for (const auto n : sizes) bytes *= n;
    for (auto& n : chunk) {
        const hsize_t row = bytes / n;
        n = std::max<hsize_t>(1, std::min<hsize_t>(n, mebibyte / std::max<hsize_t>(row, 1)));
        bytes = row * n;
    }
    return chunk;
}

bool write_array(hid_t file, const std::string& name, const Array& array) {
    const std::vector<hsize_t> sizes(array.shape.begin(), array.shape.end());
    const auto rank = static_cast<int>(sizes.size());
    const Id space(rank ? H5Screate_simple(rank, sizes.data(), nullptr) : H5Screate(H5S_SCALAR),
                   H5Sclose);
    const Id link(H5Pcreate(H5P_LINK_CREATE), H5Pclose),
        made(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_create_intermediate_group(link, 1);
    H5Pset_char_encoding(link, H5T_CSET_UTF8);
    H5Pset_obj_track_times(made, false);  // equal arrays, equal bytes
    if (rank > 0 && array.bytes > 0) {
        H5Pset_chunk(made, rank, chunk_of(sizes, size_of(array.dtype)).data());
        if (size_of(array.dtype) > 1) H5Pset_shuffle(made);
        H5Pset_deflate(made, 4);
    }
    const Id type(type_of(array.dtype), H5Tclose);
    const Id data(H5Dcreate2(file, name.c_str(), type, space, link, made, H5P_DEFAULT), H5Dclose);
    return data >= 0 && (array.bytes == 0 ||
                         H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.data) >= 0);
}

}  // namespace

void list_hdf5_in_child(const Blob& blob, const Say& say) {
    begin_library();
    const hid_t file = open_image(blob);
    if (file < 0) return tell(say, reason);
    const auto visit = [](hid_t root, const char* name, const H5L_info_t* link,
                          void* context) -> herr_t {
        if (link->type != H5L_TYPE_HARD && link->type != H5L_TYPE_SOFT) return 0;
        ArrayEntry entry{name, DType::f32, {}, ""};
        const Id object(H5Oopen(root, name, H5P_DEFAULT), H5Oclose);
        if (object < 0 && link->type == H5L_TYPE_SOFT) return 0;  // to nothing, or another file
        if (object < 0)
            entry.problem = "malformed: " + reason;
        else if (H5Iget_type(object) == H5I_DATASET)
            H5Tclose(describe(object, entry));
        else
            return 0;
        tell(*static_cast<const Say*>(context), entry);
        return 0;
    };
    const herr_t status = H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, visit, const_cast<Say*>(&say));
    tell(say, status < 0 ? reason : hdf5_finished);
}

void read_hdf5_in_child(const Blob& blob, const ArrayEntry& wanted, void* target, const Say& say) {
    begin_library();
    const hid_t file = open_image(blob);
    const hid_t data = file < 0 ? file : H5Dopen2(file, wanted.name.c_str(), H5P_DEFAULT);
    if (data < 0) return tell(say, reason);
    ArrayEntry entry{wanted.name, DType::f32, {}, ""};
    const hid_t type = describe(data, entry);
    if (entry.dtype != wanted.dtype || entry.shape != wanted.shape || !entry.problem.empty())
        return tell(say, "the file changed while it was read");
    const herr_t status = H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, target);
    tell(say, status < 0 ? reason : hdf5_finished);
}

void write_hdf5_in_child(const NamedArrays& arrays, const Say& say) {
    begin_library();
    const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    H5Pset_fapl_core(access, 4 * mebibyte, false);
    const hid_t file = H5Fcreate("image", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (file < 0) return tell(say, reason);
    for (const auto& [name, array] : arrays)
        if (!write_array(file, name, array)) return tell(say, "array " + name + ": " + reason);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    Buffer image(
        static_cast<std::size_t>(std::max<ssize_t>(H5Fget_file_image(file, nullptr, 0), 0)));
    if (image.empty() || H5Fget_file_image(file, image.data(), image.size()) < 0)
        return tell(say, reason);
    say(image);
}

}  // namespace pushforward
