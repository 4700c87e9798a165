// The messages, word for word: they are what a user has to go by.
#include "tests/traces/trace_file.hpp"

namespace regroup::traces {
namespace {

struct Case {
  std::string text;
  std::string error;
};

void expect_errors(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(parse_error(c.text), c.error) << "for: " << c.text;
}

std::string row(std::string_view text) { return std::string(kHead) + std::string(text); }

TEST(ReaderErrors, NotATrace) {
  EXPECT_EQ(error_of("", [] { open_trace("/nowhere/t.csv"); }),
            "/nowhere/t.csv: cannot be opened: No such file or directory");
  EXPECT_EQ(error_of("", [] { open_trace("/"); }), "/: is a folder; a trace file is needed");
  expect_errors({
      {"", "F: the file is empty"},
      {"\n  \n", "F: the file is empty"},
      {"hello\n",
       "F: not a trace: it begins with 'hello'; allowed: '# regroup trace v1' (CSV), 'Request(' "
       "(Hetu-DiT text), '{' (GF-DiT workload JSON)"},
      {"id,arrival_us,model\n",
       "F: not a trace: it begins with 'id,arrival_us,model'; allowed: '# regroup trace v1' (CSV), "
       "'Request(' (Hetu-DiT text), '{' (GF-DiT workload JSON); put that line first"},
      {"TIMESTAMP,ContextTokens,GeneratedTokens\n",
       "F: not a trace: it begins with 'TIMESTAMP,ContextTokens,GeneratedTokens'; allowed: '# "
       "regroup trace v1' (CSV), 'Request(' (Hetu-DiT text), '{' (GF-DiT workload JSON); this one "
       "holds arrivals without shapes: import it (kinds azure, mooncake)"},
      {"# regroup trace v2\n",
       "F:1: found '# regroup trace v2'; the first line must be '# regroup trace v1'"},
  });
}

TEST(ReaderErrors, CsvHeader) {
  const std::string magic = "# regroup trace v1\n";
  const std::string columns =
      "id,arrival_us,model,width,height,frames,steps,guidance,class,priority,deadline_us";
  expect_errors({
      {magic, "F: the file ends before the header; it must be '" + columns + "'"},
      {magic + "id,arrival_us,model,width,height,frames,steps,guidance,class,priority\n",
       "F:2: the header has no column 'deadline_us'; it must be '" + columns + "'"},
      {magic + columns + ",colour\n",
       "F:2: column 12 of the header is 'colour'; allowed: " + columns},
      {magic + "id,arrival_us,model,width,width,frames,steps,guidance,class,priority,deadline_us\n",
       "F:2: the header names 'width' twice, in columns 4 and 5"},
      {magic +
           "id,arrival_us,model,height,width,frames,steps,guidance,class,priority,deadline_us\n",
       "F:2: column 4 of the header is 'height', not 'width'; it must be '" + columns + "'"},
      {magic + columns + "\n" + columns + "\n",
       "F:3: column 2 (arrival_us): found 'arrival_us'; allowed: microseconds from 0, with up to "
       "three decimals"},
  });
}

TEST(ReaderErrors, CsvFields) {
  const std::string time = "; allowed: microseconds from 0, with up to three decimals";
  const std::string positive = "; allowed: a whole number from 1 to 2147483647";
  expect_errors({
      {row(",1,m,16,16,1,1,1,,,\n"), "F:3: column 1 (id): found ''; allowed: any text"},
      {row("a,-1,m,16,16,1,1,1,,,\n"), "F:3: column 2 (arrival_us): found '-1'" + time},
      {row("a,,m,16,16,1,1,1,,,\n"), "F:3: column 2 (arrival_us): found ''" + time},
      {row("a,1.2345,m,16,16,1,1,1,,,\n"), "F:3: column 2 (arrival_us): found '1.2345'" + time},
      {row("a,1.,m,16,16,1,1,1,,,\n"), "F:3: column 2 (arrival_us): found '1.'" + time},
      {row("a,9223372036854775807,m,16,16,1,1,1,,,\n"),
       "F:3: column 2 (arrival_us): found '9223372036854775807'" + time},
      {row("a,1,,16,16,1,1,1,,,\n"),
       "F:3: column 3 (model): found ''; allowed: the name of a model card"},
      {row("a,1,m,12x,16,1,1,1,,,\n"), "F:3: column 4 (width): found '12x'" + positive},
      {row("a,1,m,16,0,1,1,1,,,\n"), "F:3: column 5 (height): found '0'" + positive},
      {row("a,1,m,16,16,2147483648,1,1,,,\n"),
       "F:3: column 6 (frames): found '2147483648'" + positive},
      {row("a,1,m,16,16,1, 5,1,,,\n"), "F:3: column 7 (steps): found ' 5'" + positive},
      {row("a,1,m,16,16,1,1,nan,,,\n"),
       "F:3: column 8 (guidance): found 'nan'; allowed: a number from 0 to 1000000"},
      {row("a,1,m,16,16,1,1,1,,high,\n"),
       "F:3: column 10 (priority): found 'high'; allowed: a whole number from -2147483647 to "
       "2147483647"},
      {row("a,10,m,16,16,1,1,1,,,9\n"),
       "F:3: column 11 (deadline_us): found '9'; allowed: at least 10, the arrival of this "
       "request"},
      {row("a,10,m,16,16,1,1,1,,,\nb,9,m,16,16,1,1,1,,,\n"),
       "F:4: column 2 (arrival_us): found '9'; allowed: at least 10, the arrival of the request "
       "before"},
  });
}

TEST(ReaderErrors, CsvRows) {
  expect_errors({
      {row("a,1,m,16,16,1,1\n"), "F:3: column 8 (guidance): the row ends after 7 of 11 fields"},
      {row("a,1,m,16,16,1,1,1,,,\nb,2,m,1"),
       "F:4: column 5 (height): the row ends after 4 of 11 fields; the file is cut off here"},
      {row("a,1,m,16,16,1,1,1,,,,more\n"),
       "F:3: column 12: found 'more'; a row has 11 fields, this one 12"},
      {row("\"a,1,m,16,16,1,1,1,,,\n"),
       "F:3: column 1 (id): found '\"a,1,m,16,16,1,1,1,,,', a quote that is not closed on its "
       "line"},
      {row("\"a\"b,1,m,16,16,1,1,1,,,\n"),
       "F:3: column 1 (id): found 'b,1,m,16,16,1,1,1,,,' after the closing quote; only a comma may "
       "follow"},
      {row("a\"b,1,m,16,16,1,1,1,,,\n"),
       "F:3: column 1 (id): found 'a\"b'; a field with quotes in it must be quoted, each quote "
       "doubled"},
      {row(std::string("a\0b,1,m,16,16,1,1,1,,,\n", 22)),
       "F:3: byte 2 is NUL; a trace is UTF-8 text"},
      {row("a\xff,1,m,16,16,1,1,1,,,\n"), "F:3: byte 2 (0xff) is not UTF-8; a trace is UTF-8 text"},
      {row("\xc0\xaf,1,m,16,16,1,1,1,,,\n"),
       "F:3: byte 1 (0xc0) is not UTF-8; a trace is UTF-8 text"},
      {row(std::string(2 << 20, 'a')), "F:3: line is longer than 1048576 bytes"},
  });
}

TEST(ReaderErrors, Hetu) {
  const std::string good =
      "Request(request_id=0, timestamp=1.0, height=16, width=16, num_inference_steps=5)\n";
  const std::string keys =
      "request_id, timestamp, height, width, num_frames, prompt, negative_prompt, "
      "num_inference_steps, slo_ms, each followed by '='";
  expect_errors({
      {good + "Respond(request_id=0)\n",
       "F:2: column 1: found 'Respond(request_id=0)'; allowed: 'Request('"},
      {"Request()\n", "F:1: column 9: found ')'; allowed: " + keys},
      {"Request(colour=3)\n", "F:1: column 9: found 'colour=3)'; allowed: " + keys},
      {"Request(height=3, height=4)\n", "F:1: column 19: 'height' is given twice"},
      {"Request(request_id=0, timestamp=1.0, height=16)\n", "F:1: 'width' is missing"},
      {"Request(request_id=0, timestamp=1.0, hei", "F:1: column 38: found 'hei'; allowed: " + keys},
      {"Request(request_id=0, timestamp=1.0",
       "F:1: column 36: found ''; allowed: ', ' and the next key, or ')' at the end"},
      {"Request(prompt='abc, height=3)\n",
       "F:1: column 16: found ''abc, height=3)'; allowed: a text whose closing quote is on the "
       "same "
       "line"},
      {"Request(request_id=0, timestamp=1.0, height=16, width=tall, num_inference_steps=5)\n",
       "F:1: column 55 (width): found 'tall'; allowed: a whole number from 1 to 2147483647"},
      {"Request(request_id=0, timestamp=inf, height=16, width=16, num_inference_steps=5)\n",
       "F:1: column 33 (timestamp): found 'inf'; allowed: a number from 0 to 9000000000"},
      {good + "Request(request_id=0, timestamp=0.5, height=16, width=16, num_inference_steps=5)\n",
       "F:2: column 33 (timestamp): found '0.5'; allowed: at least 1, the timestamp of the request "
       "before"},
      {good + "Request(request_id=0, timestamp=2, height=16, width=16, num_frames=5, "
              "num_inference_steps=5)\n",
       "F:2: num_frames is 5, but the file names no model and began with one frame (taken for "
       "FLUX.1-dev, which makes images); name the model of this trace"},
  });
}

TEST(ReaderErrors, GfDit) {
  const auto request = [](std::string_view text) {
    return R"({"requests": [)" + std::string(text) + "]}";
  };
  const std::string good =
      R"({"request_id": "x", "arrival_ms": 5, "height": 16, "width": 16, "num_steps": 2})";
  expect_errors({
      {"{\"requests\":\n [1,]}", "F:2: column 5: not JSON: found ']}'"},
      {"{\"requests\": [", "F:1: column 15: not JSON: found ''; the file is cut off here"},
      {"{}", "F: 'requests' is missing or not a list; a GF-DiT workload has one"},
      {request("7"), "F: requests[0]: found '7'; allowed: an object"},
      {request("{}"), "F: requests[0]: 'request_id' is missing"},
      {request(R"({"request_id": 7})"), "F: requests[0].request_id: found '7'; allowed: a text"},
      {request(good + R"(,{"request_id": "y", "arrival_ms": 4})"),
       "F: requests[1].arrival_ms: found '4'; allowed: at least 5: the arrival of the request "
       "before"},
      {request(R"({"request_id": "x", "arrival_ms": "now"})"),
       "F: requests[0].arrival_ms: found '\"now\"'; allowed: milliseconds from 0 to 9000000000000"},
      {request(
           R"({"request_id": "x", "arrival_ms": 5, "height": 16, "width": 16.5, "num_steps": 2})"),
       "F: requests[0].width: found '16.5'; allowed: a whole number from 1 to 2147483647"},
      {request(R"({"request_id": "x", "arrival_ms": 5, "height": 16, "width": 16, "num_steps": 2,
                   "do_true_cfg": "yes"})"),
       "F: requests[0].do_true_cfg: found '\"yes\"'; allowed: true or false"},
      {request(R"({"request_id": "x", "arrival_ms": 5, "height": 16, "width": 16, "num_steps": 2,
                   "deadline_ms": 4})"),
       "F: requests[0].deadline_ms: found '4'; allowed: at least 5: the arrival of the request"},
  });
}

}  // namespace
}  // namespace regroup::traces
