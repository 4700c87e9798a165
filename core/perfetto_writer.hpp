// Tracks, slices, instants and counters as a stream of Perfetto packets.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/output_file.hpp"
#include "regroup/policy/types.hpp"

namespace regroup {

namespace perfetto {
enum class EventType : std::int32_t;
}

// Knows the format, not the meaning. Packets are written at once, so memory does not grow. Packets
// of one track must come in order of time (Perfetto sorts by time and keeps the order of equal
// times); slices of one track must nest. Times are since the run began.
class PerfettoWriter {
 public:
  enum class Track : std::uint64_t {};

  // A word that packets refer to by number: it is in the file once, with the packet that first uses
  // it. Whoever uses it keeps it, and what it views, for the life of the writer, and uses it as one
  // thing only: as a category, as a name, or as the name or the value of an annotation.
  struct Word {
    std::string_view text;
    std::uint64_t number = 0;  // 0: not written yet
  };

  // What a slice or instant says.
  struct Label {
    Word& category;  // what the UI can be told to show or colour by
    Word& name;
    std::string_view annotations = {}, more_annotations = {};  // made by annotate()
    // An arrow goes from the slice that has an id in `leaving` to the one that has it in
    // `arriving`. An id that never arrives is not drawn.
    std::span<const std::uint64_t> leaving = {}, arriving = {};
  };

  // An instant as packets have it: made once for all that happens then.
  struct Stamp {
    Stamp(TimePoint at);
    std::array<char, 16> bytes;
    std::size_t size = 0;
  };

  // The file must outlive this, and is not committed by it. SystemError from every function.
  explicit PerfettoWriter(OutputFile& file) : file_(file) {}
  PerfettoWriter(const PerfettoWriter&) = delete;
  PerfettoWriter& operator=(const PerfettoWriter&) = delete;

  // A heading that is shown as a process. Tracks below it are shown in order of their ranks.
  Track add_process(std::string_view name);
  Track add_track(Track parent, std::string_view name, int rank);
  Track add_counter(Track parent, std::string_view name, int rank);

  // Adds a remark to `annotations`, as bytes that any number of labels may have; the UI lists them
  // when the slice is clicked. Made just before the first of those labels is written.
  void annotate(std::string& annotations, Word& name, std::int64_t value);
  void annotate(std::string& annotations, Word& name, double value);
  void annotate(std::string& annotations, Word& name, std::string_view value);
  void annotate(std::string& annotations, Word& name, Word& value);

  void begin(const Stamp& at, Track track, const Label& label);
  void end(const Stamp& at, Track track);
  void instant(const Stamp& at, Track track, const Label& label);
  void count(const Stamp& at, Track track, std::int64_t value);

 private:
  // What a word can be.
  enum Kind { kCategory, kName, kAnnotationName, kAnnotationValue, kKinds };

  std::uint64_t number_of(Word& word, Kind kind) {
    if (word.number == 0) add_word(word, kind);
    return word.number;
  }
  void add_word(Word& word, Kind kind);
  void write_label(const Stamp& at, Track track, perfetto::EventType type, const Label& label);
  void take_new_words();
  void write_descriptor(const std::string& descriptor);
  std::uint32_t next_sequence_flags();

  OutputFile& file_;
  std::uint64_t tracks_ = 0;
  int processes_ = 0;
  bool first_packet_ = true;
  std::array<std::uint64_t, kKinds> words_{};  // of each kind
  std::array<std::string, kKinds> new_words_;  // likewise: InternedData that no packet carried yet
  bool any_new_words_ = false;
  std::string packet_, interned_;  // kept for their memory
};

}  // namespace regroup
