import CLinux
package import Rules

/// A system call that failed: its name and `errno`. Two are the same when the number is.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call, such as `bind`.
    package let call: StaticString
    /// `errno`, or ETIMEDOUT where a deadline passed, or ECONNRESET where the other end closed too early.
    package let number: Int32

    /// The failed call and its errno.
    package init(_ call: StaticString, _ number: Int32) {
        self.call = call
        self.number = number
    }

    /// The last call of this thread failed.
    init(_ call: StaticString) { self.init(call, clinux_errno()) }

    /// Two are the same when the errno is.
    package static func == (a: SystemError, b: SystemError) -> Bool { a.number == b.number }

    /// `bind: Permission denied`: our words and the C library's, never an argument.
    package var description: String { "\(call): \(Self.text(of: number))" }

    package var isTimeout: Bool { number == ETIMEDOUT }
    package var isMissing: Bool { number == ENOENT }
    package var isForbidden: Bool { number == EPERM || number == EACCES }
    package var isFull: Bool { number == ENOSPC || number == EDQUOT }

    /// What crosses the layers: `doing` is a phrase such as `bind the admin socket`.
    package func problem(
        _ code: Problem.Code = .internal, doing: String, advice: String = ""
    ) -> Problem {
        Problem(code, "cannot \(doing): \(self)", advice: advice)
    }

    private static func text(of number: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        // The XSI variant, since _GNU_SOURCE is not defined: always fills the buffer.
        _ = unsafe strerror_r(number, &buffer, buffer.count)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
