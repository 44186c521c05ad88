import CLinux

/// A 32-bit word that threads share and can sleep on (futex(2)).
@safe final class Word: @unchecked Sendable {  // every access is atomic
    private let word: UnsafeMutablePointer<UInt32>

    init() {
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: 0)
    }

    deinit { unsafe word.deallocate() }

    var value: UInt32 { unsafe clinux_load(word) }

    /// Stores `value` and returns what was there.
    func exchange(_ value: UInt32) -> UInt32 { unsafe clinux_exchange(word, value) }

    /// Stores `to` where `from` was; false where something else was.
    func replace(_ from: UInt32, with to: UInt32) -> Bool { unsafe clinux_replace(word, from, to) != 0 }

    /// Sleeps while the word is `value`; may return for no reason.
    func sleep(while value: UInt32, until deadline: Deadline) {
        if deadline == .never {
            unsafe clinux_futex_wait(word, value, nil)
        } else {
            var end = deadline.timespec
            unsafe clinux_futex_wait(word, value, &end)
        }
    }

    func wake(_ count: Int32) { unsafe clinux_futex_wake(word, count) }
}

/// One thread waits, another says go. Made once and used again and again: `wait` lowers it.
///
/// Two atomic operations when the signal is there already, one system call on each side when not; no allocation.
package final class Signal: Sendable {
    private static let down: UInt32 = 0
    private static let raised: UInt32 = 1
    private static let awaited: UInt32 = 2
    private let word = Word()

    /// Nobody has raised it yet.
    package init() {}

    /// Lets the waiter go, now or when it comes. What this thread wrote before is visible to it.
    package func raise() {
        if word.exchange(Self.raised) == Self.awaited { word.wake(1) }
    }

    /// Waits for `raise` and lowers the signal again; false when the deadline passed first. One waiter at a time.
    @discardableResult
    package func wait(until deadline: Deadline = .never) -> Bool {
        while true {
            if word.replace(Self.raised, with: Self.down) { return true }
            if word.value == Self.down { _ = word.replace(Self.down, with: Self.awaited) }
            if deadline.hasPassed {
                // Raised just now still counts, so that no raise is lost.
                return !word.replace(Self.awaited, with: Self.down) && word.replace(Self.raised, with: Self.down)
            }
            word.sleep(while: Self.awaited, until: deadline)
        }
    }
}

/// Many threads wait, one opens, once: all of them are let go by a single system call.
package final class Latch: Sendable {
    private static let shut: UInt32 = 0
    private static let open: UInt32 = 1
    private let word = Word()

    /// Shut.
    /// A latch that is shut.
    package init() {}

    /// Lets everybody go, those who come later too. What this thread wrote before is visible to them.
    package func open() {
        _ = word.exchange(Self.open)
        word.wake(.max)
    }

    /// Returns once the latch is open.
    package func wait() {
        while word.value != Self.open { word.sleep(while: Self.shut, until: .never) }
    }
}
