// A file of results that appears under its name only when it is complete.
#pragma once

#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

namespace regroup {

// Writes DIRECTORY/NAME.part and gives it its name on commit(), so that a run that is killed never
// leaves half a file behind. Buffered. Every failure of the machine to open, write, close or rename
// is a SystemError that names the path and the machine's reason; after one the file is of no use.
class OutputFile {
 public:
  // The directory must exist; a file of that name is replaced on commit().
  OutputFile(const std::filesystem::path& directory, std::string_view name);

  // Writes straight to something that exists and cannot be renamed: a device or a pipe.
  static OutputFile direct(const std::filesystem::path& path);

  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  // What was not committed is removed.
  ~OutputFile();

  void write(std::string_view bytes) {
    if (bytes.size() > room_) return write_on(bytes);
    std::memcpy(next_, bytes.data(), bytes.size());
    next_ += bytes.size();
    room_ -= bytes.size();
  }
  // The same without a copy: room for so many bytes, which are put there, and where they end.
  char* room(std::size_t count) {
    if (count > room_) make_room(count);
    return next_;
  }
  void wrote(const char* end) {
    room_ -= static_cast<std::size_t>(end - next_);
    next_ += end - next_;
  }
  // Writes what is buffered, closes the file and gives it its name. Nothing may be written after.
  void commit();

  // The name it has once it is committed.
  const std::filesystem::path& path() const { return path_; }

 private:
  OutputFile(std::filesystem::path written, std::filesystem::path path, int flags);
  void write_on(std::string_view bytes);  // what the buffer has no room for
  void make_room(std::size_t count);
  void set_capacity(std::size_t count);  // of an empty buffer
  void flush();
  void write_out(std::string_view bytes);

  std::filesystem::path written_;  // where the bytes go
  std::filesystem::path path_;     // where they are found after commit()
  int descriptor_ = -1;            // -1: closed
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;  // of the buffer
  char* next_ = nullptr;      // in the buffer
  std::size_t room_ = 0;      // behind it; none once the file is committed
};

// A whole file at once.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace regroup
