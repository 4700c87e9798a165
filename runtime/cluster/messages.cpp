#include "runtime/cluster/messages.hpp"

#include <array>

namespace regroup::cluster {
namespace {

constexpr std::uint32_t kVersion = 1;

struct Header {
  std::array<char, 4> magic = {'R', 'G', 'C', 'M'};
  std::uint32_t version = kVersion;
  std::uint64_t kind = 0;  // index in Message
};

// fields(archive, message) names the fields of a message once, for writing and for reading: archive
// is a Writer and the message constant, or a Reader and it is not.
template <class Archive, class T>
void field(Archive& archive, T& value);

template <class... Ts>
void fields_of(Writer& out, const Ts&... values) {
  (field(out, values), ...);
}
template <class... Ts>
void fields_of(Reader& in, Ts&... values) {
  (field(in, values), ...);
}

template <class A, class M>
concept Is = std::same_as<std::remove_const_t<A>, M>;

template <class A>
void fields(A& a, Is<PackedState> auto& m) {
  fields_of(a, m.request, m.stage, m.steps, m.numbers);
}
template <class A>
void fields(A& a, Is<NodeSpec> auto& m) {
  fields_of(a, m.backend, m.ranks, m.virtual_clock, m.real_compute, m.models, m.jitter, m.patience,
            m.faults, m.settings);
}
template <class A>
void fields(A& a, Is<TaskPart> auto& m) {
  fields_of(a, m.task, m.begins, m.holders, m.from, m.attached);
}
template <class A>
void fields(A& a, Is<RunPart> auto& m) {
  fields_of(a, m.run, m.at, m.members, m.nodes, m.layout, m.steps, m.dispatch, m.setup, m.migrate,
            m.step, m.tasks);
}
template <class A>
void fields(A& a, Is<PartEnd> auto& m) {
  fields_of(a, m.run, m.failed, m.at, m.since, m.steps, m.times, m.states);
}
template <class A>
void fields(A& a, Is<Report> auto& m) {
  fields_of(a, m.now, m.next, m.settling, m.ended, m.dead, m.said);
}
template <class A>
void fields(A& a, Is<StateMail> auto& m) {
  fields_of(a, m.state);
}
template <class A>
void fields(A& a, Is<Broke> auto& m) {
  fields_of(a, m.what);
}

// A value with fields(), or one that the archive knows.
void value(Writer& out, const auto& each) {
  if constexpr (requires { fields(out, each); })
    fields(out, each);
  else
    out.put(each);
}
void value(Reader& in, auto& each) {
  if constexpr (requires { fields(in, each); })
    fields(in, each);
  else
    in.get(each);
}

template <class T>
constexpr bool kList = false;
template <>
constexpr bool kList<std::vector<TaskPart>> = true;
template <>
constexpr bool kList<std::vector<PackedState>> = true;
template <>
constexpr bool kList<std::vector<PartEnd>> = true;
template <>
constexpr bool kList<std::vector<std::string>> = true;

template <class Archive, class T>
void field(Archive& archive, T& each) {
  constexpr bool kWrites = std::is_same_v<Archive, Writer>;
  using Value = std::remove_const_t<T>;
  if constexpr (std::is_same_v<Value, std::optional<PackedState>>) {
    bool there = each.has_value();
    field(archive, there);
    if constexpr (!kWrites) {
      if (there) each.emplace();
    }
    if (there) fields(archive, *each);
  } else if constexpr (kList<Value>) {
    if constexpr (kWrites)
      archive.put(static_cast<std::uint64_t>(each.size()));
    else
      each.resize(archive.get_count());
    for (auto& element : each) value(archive, element);
  } else {
    value(archive, each);
  }
}

using Read = Message (*)(Reader&);

template <class M>
Message read(Reader& in) {
  M message;
  value(in, message);
  return message;
}

template <std::size_t... kKinds>
constexpr std::array<Read, sizeof...(kKinds)> readers(std::index_sequence<kKinds...>) {
  return {&read<std::variant_alternative_t<kKinds, Message>>...};
}

constexpr auto kReaders = readers(std::make_index_sequence<std::variant_size_v<Message>>());

}  // namespace

Bytes encode(const Message& message) {
  Writer out;
  out.put(Header{.kind = message.index()});
  std::visit([&](const auto& each) { value(out, each); }, message);
  return out.take();
}

Message decode(std::span<const std::byte> bytes) {
  Reader in(bytes);
  Header header;
  in.get(header);
  if (header.magic != Header{}.magic || header.version != kVersion ||
      header.kind >= kReaders.size())
    fail<SystemError>(
        "a message of another version of regroup: all processes of a job must run the same one");
  Message message = kReaders[static_cast<std::size_t>(header.kind)](in);
  in.finish();
  return message;
}

}  // namespace regroup::cluster
