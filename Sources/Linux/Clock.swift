import CLinux

/// The clocks of this machine. Nothing here allocates.
package enum Clock {
    /// Milliseconds since 1970 (CLOCK_REALTIME); steps when somebody sets the time.
    package static var wallMilliseconds: Int64 { read(CLOCK_REALTIME) / 1_000_000 }

    /// Milliseconds since boot, time asleep included (CLOCK_BOOTTIME); never steps.
    package static var bootMilliseconds: Int64 { read(CLOCK_BOOTTIME) / 1_000_000 }

    /// Nanoseconds on CLOCK_MONOTONIC: for deadlines and measurements.
    package static var monotonicNanoseconds: Int64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: Int32) -> Int64 {
        var now = timespec()
        unsafe clock_gettime(clock, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    /// RFC 3339 in UTC with milliseconds, such as `2026-11-20T04:12:00.123Z`, of milliseconds since 1970.
    package static func text(ofMilliseconds milliseconds: Int64) -> String {
        let (days, day) = floored(milliseconds, 86_400_000)
        // Days to a date: Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
        let (era, dayOfEra) = floored(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return unsafe String(unsafeUninitializedCapacity: 32) { room in
            var at = unsafe write(year, max(4, String(year).utf8.count), "-", to: room, at: 0)
            at = unsafe write(month, 2, "-", to: room, at: at)
            at = unsafe write(dayOfYear - (153 * shifted + 2) / 5 + 1, 2, "T", to: room, at: at)
            at = unsafe write(day / 3_600_000, 2, ":", to: room, at: at)
            at = unsafe write(day / 60_000 % 60, 2, ":", to: room, at: at)
            at = unsafe write(day / 1_000 % 60, 2, ".", to: room, at: at)
            return unsafe write(day % 1_000, 3, "Z", to: room, at: at)
        }
    }

    /// Writes the last `width` digits of a value and what separates it from the next; returns where that one begins.
    @unsafe private static func write(
        _ value: Int64, _ width: Int, _ then: Unicode.Scalar, to room: UnsafeMutableBufferPointer<UInt8>, at: Int
    ) -> Int {
        var rest = value.magnitude
        for place in (at..<at + width).reversed() {
            unsafe room[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        unsafe room[at + width] = UInt8(ascii: then)
        return at + width + 1
    }

    private static func floored(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
        let remainder = value % divisor
        return remainder < 0 ? (value / divisor - 1, remainder + divisor) : (value / divisor, remainder)
    }
}

/// A moment on the monotonic clock after which waiting ends.
package struct Deadline: Sendable, Equatable {
    /// CLOCK_MONOTONIC; `Int64.max` is never.
    package let nanoseconds: Int64

    package static let never = Deadline(nanoseconds: .max)

    /// A point on the monotonic clock, in nanoseconds.
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// So many milliseconds from now.
    package static func after(milliseconds: Int64) -> Deadline {
        Deadline(nanoseconds: Clock.monotonicNanoseconds + milliseconds * 1_000_000)
    }

    /// So many seconds from now.
    package static func after(seconds: Int64) -> Deadline { after(milliseconds: seconds * 1000) }

    package var hasPassed: Bool { self != .never && Clock.monotonicNanoseconds >= nanoseconds }

    /// What poll(2) wants: milliseconds rounded up, 0 where it has passed, -1 for never.
    var pollTimeout: Int32 {
        guard self != .never else { return -1 }
        let left = nanoseconds - Clock.monotonicNanoseconds
        return left <= 0 ? 0 : Int32(clamping: (left + 999_999) / 1_000_000)
    }

    var timespec: timespec {
        CLinux.timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}

extension Clock {
    /// Lets other threads run for a while; for waiting on something that cannot wake us.
    package static func sleep(microseconds: Int64) {
        var time = timespec(tv_sec: Int(microseconds / 1_000_000), tv_nsec: Int(microseconds % 1_000_000) * 1000)
        var left = timespec()
        while unsafe nanosleep(&time, &left) != 0 && clinux_errno() == EINTR { time = left }
    }
}

extension Clock {
    /// Names this boot of the machine, so that boot-clock times are compared only within it.
    package static let bootID: String = Proc.text("/proc/sys/kernel/random/boot_id") ?? "unknown"
}
