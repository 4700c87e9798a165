#include "core/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/errors.hpp"

namespace regroup {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;
constexpr int kPermissions = 0666;  // less the user's umask

[[noreturn]] void refuse(const std::filesystem::path& path, const char* what, int error) {
  fail<SystemError>("{}: cannot {}: {}", path.string(), what,
                    std::generic_category().message(error));
}

std::filesystem::path part_of(const std::filesystem::path& path) {
  std::filesystem::path part = path;
  part += ".part";
  return part;
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& directory, std::string_view name)
    : OutputFile(part_of(directory / name), directory / name, O_CREAT | O_TRUNC) {}

OutputFile OutputFile::direct(const std::filesystem::path& path) {
  return OutputFile(path, path, 0);
}

OutputFile::OutputFile(std::filesystem::path written, std::filesystem::path path, int flags)
    : written_(std::move(written)), path_(std::move(path)) {
  descriptor_ = ::open(written_.c_str(), O_WRONLY | O_CLOEXEC | flags, kPermissions);
  if (descriptor_ < 0) refuse(written_, "open", errno);
  set_capacity(kBufferBytes);
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (written_ != path_) ::unlink(written_.c_str());
}

void OutputFile::write_on(std::string_view bytes) {
  RG_CHECK(descriptor_ >= 0, "{}: written to after commit()", path_.string());
  flush();
  if (bytes.size() > room_) return write_out(bytes);
  write(bytes);
}

void OutputFile::make_room(std::size_t count) {
  RG_CHECK(descriptor_ >= 0, "{}: written to after commit()", path_.string());
  flush();
  if (count > capacity_) set_capacity(count);
}

void OutputFile::set_capacity(std::size_t count) {
  buffer_ = std::make_unique_for_overwrite<char[]>(count);
  capacity_ = count;
  next_ = buffer_.get();
  room_ = count;
}

void OutputFile::commit() {
  RG_CHECK(descriptor_ >= 0, "{}: committed twice", path_.string());
  flush();
  room_ = 0;
  // Some file systems report a full disk only here.
  if (::close(descriptor_) != 0) {
    const int error = errno;
    descriptor_ = -1;
    if (written_ != path_) ::unlink(written_.c_str());
    refuse(written_, "close", error);
  }
  descriptor_ = -1;
  if (written_ == path_) return;
  std::error_code error;
  std::filesystem::rename(written_, path_, error);
  if (error) {
    ::unlink(written_.c_str());
    refuse(path_, "rename the finished file to this name", error.value());
  }
}

void OutputFile::flush() {
  write_out({buffer_.get(), next_});
  next_ = buffer_.get();
  room_ = capacity_;
}

void OutputFile::write_out(std::string_view left) {
  while (!left.empty()) {
    const ssize_t count = ::write(descriptor_, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(written_, "write", errno);
    left.remove_prefix(static_cast<std::size_t>(count));
  }
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  OutputFile file(path.has_parent_path() ? path.parent_path() : ".", path.filename().string());
  file.write(text);
  file.commit();
}

}  // namespace regroup
