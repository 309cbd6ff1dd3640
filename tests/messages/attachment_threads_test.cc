// Attachments in several threads: counted atomically, taken by one. For the thread sanitizer.
#include <atomic>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/messages/helpers.h"
#include "tests/messages/walk_parcel.h"

namespace ferry::testing {
namespace {

using support::RawBuilder;
using support::RawReader;

constexpr int kThreads = 4;

void in_threads(const std::function<void()>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

TEST(AttachmentThreads, messages_with_descriptors_pass_in_every_thread_at_once) {
  const NoLeak no_leak;
  std::atomic<int> arrived = 0;
  in_threads([&] {
    for (int i = 0; i < 500; ++i) {
      RawBuilder message;
      auto parcel = message.root().initAs<Parcel>();
      parcel.setFile(attach(event()));
      parcel.initBox().setValue(attach(memfd()));
      ASSERT_EQ(collect(message), Status());
      RawReader reader;
      ASSERT_EQ(reader.open(deliver(message)), Status());
      ASSERT_EQ(check(reader), Status());
      if (take(reader.root().getAs<Parcel>().getFile()).ok()) ++arrived;
    }
  });
  EXPECT_EQ(arrived, kThreads * 500);
}

TEST(AttachmentThreads, copies_of_one_client_are_counted_right) {
  const NoLeak no_leak;
  RawBuilder source;
  source.root().initAs<Parcel>().setFile(attach(memfd()));
  const auto parcel = source.root_reader().getAs<Parcel>();
  in_threads([&] {
    for (int i = 0; i < 2000; ++i) {
      RawBuilder copy;
      copy.root().setAs<Parcel>(parcel);
      EXPECT_GE(fd_of(copy.root().getAs<Parcel>().getFile()), 0);
    }
  });
  EXPECT_GE(fd_of(parcel.getFile()), 0);
}

TEST(AttachmentThreads, of_those_who_take_one_descriptor_one_gets_it) {
  const NoLeak no_leak;
  for (int i = 0; i < 200; ++i) {
    RawBuilder source;
    source.root().initAs<Parcel>().setFile(attach(event()));
    const auto parcel = source.root_reader().getAs<Parcel>();
    std::atomic<int> got = 0;
    in_threads([&] { got += take(parcel.getFile()).ok() ? 1 : 0; });
    ASSERT_EQ(got, 1);
  }
}

}  // namespace
}  // namespace ferry::testing
