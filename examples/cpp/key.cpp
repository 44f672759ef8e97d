// Names the key of a song as songkey does, step by step: docs/embedding.md.
//
//   g++ -std=c++17 -O2 key.cpp -o key -I ONNXRUNTIME/include -I JSON/include -L ONNXRUNTIME/lib -lonnxruntime
//   ffmpeg -i song.mp3 -af volume=-3dB -ac 1 -ar 11025 -f f32le song.f32   (the network's sample_rate)
//   ./key default.onnx song.f32
//
// JSON is https://github.com/nlohmann/json, headers alone.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <onnxruntime_cxx_api.h>

using nlohmann::json;

constexpr std::size_t KEYS = 24;      // 0 to 11 are C major to B major, 12 to 23 C minor to B minor
constexpr float FULL_SCALE = 32768;   // of 16 bit
constexpr float SILENT_PEAK = 3;      // of 32768: what never gets louder has no key to be heard

using Values = std::array<double, KEYS>;
using Waveform = std::vector<float>;  // mono, full scale 1, at the network's sample rate

// An ONNX file, ready for many songs.
class Network {
 public:
  explicit Network(const std::filesystem::path& file)
      : session_(env_, file.c_str(), one_thread()) {
    const auto text =
        session_.GetModelMetadata().LookupCustomMetadataMapAllocated("songkey", allocator_);
    if (!text) throw std::runtime_error(file.string() + ": no network of songkey");
    info = json::parse(text.get());
    if (info.at("format") != 2)
      throw std::runtime_error(file.string() + ": not of format 2, which this program reads");
  }

  // What the network says of one interval.
  Values logits(Waveform& interval) {
    const std::array<std::int64_t, 2> shape{1, static_cast<std::int64_t>(interval.size())};
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const auto waveform = Ort::Value::CreateTensor<float>(
        memory, interval.data(), interval.size(), shape.data(), shape.size());
    const char* const input = "waveform";
    const char* const output = "logits";
    const auto outputs = session_.Run(Ort::RunOptions{}, &input, &waveform, 1, &output, 1);
    Values values;
    std::copy_n(outputs[0].GetTensorData<float>(), KEYS, values.begin());
    return values;
  }

  json info;  // what it hears and how it answers

 private:
  static Ort::SessionOptions one_thread() {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    return options;
  }

  Ort::Env env_;
  Ort::AllocatorWithDefaultOptions allocator_;
  Ort::Session session_;
};

// A song in pieces of one length, in 16 bit, without the silent ones. A last piece shorter than
// half an interval is dropped, unless it is the only one; a longer one is filled up with zeros.
std::vector<Waveform> intervals(const Waveform& song, std::size_t size) {
  std::vector<Waveform> found;
  for (std::size_t start = 0; start < song.size(); start += size) {
    const std::size_t length = std::min(size, song.size() - start);
    if (start > 0 && 2 * length < size) break;
    Waveform interval(size, 0.0F);
    float peak = 0;
    for (std::size_t at = 0; at < length; ++at) {
      if (!std::isfinite(song[start + at])) throw std::runtime_error("NaN or infinite samples");
      const float rounded = std::nearbyint(song[start + at] * FULL_SCALE);  // halves to even
      const float level = std::clamp(rounded, -FULL_SCALE, FULL_SCALE - 1);
      peak = std::max(peak, std::abs(level));
      interval[at] = level / FULL_SCALE;
    }
    if (peak > SILENT_PEAK) found.push_back(std::move(interval));
  }
  return found;
}

// exp(value / temperature), scaled so that their sum is 1.
Values softmax(const Values& logits, double temperature) {
  const double peak = *std::max_element(logits.begin(), logits.end());
  Values odds;
  double sum = 0;
  for (std::size_t key = 0; key < KEYS; ++key)
    sum += odds[key] = std::exp((logits[key] - peak) / temperature);
  for (double& value : odds) value /= sum;
  return odds;
}

// The logarithm of the sum of exp(value).
double energy_of(const Values& logits) {
  const double peak = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double value : logits) sum += std::exp(value - peak);
  return peak + std::log(sum);
}

// The answer for a song from the logits of its intervals.
json answer(const std::vector<Values>& song, const json& info) {
  const json& rule = info.at("answer");
  const double count = static_cast<double>(song.size());
  // The opening has at least its share, the others equal parts of the rest.
  const double opening = std::max(1 / count, rule.at("opening_share").get<double>());
  const double other = count > 1 ? (1 - opening) / (count - 1) : 0;

  Values mean{};
  double energy = 0;
  for (std::size_t number = 0; number < song.size(); ++number) {
    const Values probabilities = softmax(song[number], rule.at("temperature"));
    for (std::size_t key = 0; key < KEYS; ++key)
      mean[key] += (number == 0 ? opening : other) * probabilities[key];
    energy += energy_of(song[number]) / count;
  }

  const double peak = *std::max_element(mean.begin(), mean.end());
  const double prior = rule.at("minor_prior");
  Values odds;
  double sum = 0;
  for (std::size_t key = 0; key < KEYS; ++key) {
    odds[key] = std::pow(mean[key] / peak, 1 / rule.at("song_temperature").get<double>());
    if (key >= 12) odds[key] *= prior / (1 - prior);
    sum += odds[key];
  }
  for (double& value : odds) value /= sum;

  const auto best = std::max_element(odds.begin(), odds.end()) - odds.begin();
  const json least = rule.value("clear_energy", json());  // null: any will do
  const bool music = least.is_null() || energy >= least.get<double>();
  return {{"key", info.at("keys").at(best)},
          {"confidence", odds[best]},
          {"clear", music && odds[best] >= rule.at("clear_threshold").get<double>()},
          {"probabilities", odds}};
}

json estimate(Network& network, const Waveform& song) {
  const double rate = network.info.at("sample_rate");
  const double seconds = network.info.at("interval_seconds");
  std::vector<Values> logits;
  for (Waveform& interval : intervals(song, std::lround(seconds * rate)))
    logits.push_back(network.logits(interval));
  if (logits.empty()) throw std::runtime_error("silent: nothing in it is louder than -80 dB");
  return answer(logits, network.info);
}

Waveform samples(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error(file.string() + ": cannot be read");
  Waveform song(std::filesystem::file_size(file) / sizeof(float));
  stream.read(reinterpret_cast<char*>(song.data()), song.size() * sizeof(float));
  return song;
}

int main(int count, char** words) {
  if (count < 3) {
    std::cerr << "usage: key NETWORK.onnx SONG.f32...\n";
    return 2;
  }
  try {
    Network network(words[1]);
    for (char** song = words + 2; song < words + count; ++song)
      std::cout << estimate(network, samples(*song)).dump() << '\n';
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
