import Rules
import Testing

@testable import Errands

/// Serves bytes to `Frame.read` and remembers the largest piece it was asked for.
final class Tape {
    private(set) var rest: ArraySlice<UInt8>
    private(set) var largest = 0

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func take(_ count: Int) throws(Problem) -> [UInt8] {
        largest = max(largest, count)
        guard count <= rest.count else { throw Problem(.courierUnavailable, "short") }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
}

@Suite struct `A frame` {
    @Test(arguments: [(0, 0), (1, 0), (0, 1), (300, 70_000), (Frame.maxHead, Frame.maxBody)] as [(Int, Int)])
    func `is read as it was written`(_ head: Int, _ body: Int) throws {
        let frame = Frame(head: .init(repeating: 7, count: head), body: .init(repeating: 9, count: body))
        let tape = Tape(try frame.encoded() + [1, 2, 3])
        #expect(try Frame.read(take: tape.take) == frame)
        #expect(Array(tape.rest) == [1, 2, 3])
    }

    @Test func `that is too large is not written`() {
        #expect(throws: Problem(.tooLarge, "")) {
            try Frame(head: .init(repeating: 0, count: Frame.maxHead + 1)).encoded()
        }
        let body = [UInt8](repeating: 0, count: Frame.maxBody + 1)
        #expect(throws: Problem(.tooLarge, "")) { try Frame(head: [], body: body).encoded() }
    }

    @Test(
        arguments: [[255, 255, 255, 255], [0, 1, 0, 1], [0, 0, 0, 0, 0, 64, 0, 1], [0, 0, 0, 0, 128, 0, 0, 0]]
            as [[UInt8]])
    func `that announces too much sets no memory aside`(_ bytes: [UInt8]) {
        let tape = Tape(bytes)
        #expect(throws: Problem(.tooLarge, "")) { try Frame.read(take: tape.take) }
        #expect(tape.largest == 4)
    }

    @Test func `respects the smaller body its reader asked for`() throws {
        let bytes = try Frame(head: [1], body: [1, 2, 3]).encoded()
        #expect(throws: Problem(.tooLarge, "")) { try Frame.read(maxBody: 2, take: Tape(bytes).take) }
    }

    @Test func `of any bytes is a frame or a problem`() throws {
        var dice = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...40, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            // Small lengths, or nearly everything ends at the first check.
            for at in [0, 1, 2] where at < bytes.count && Bool.random() { bytes[at] = 0 }
            let tape = Tape(bytes)
            if let frame = try? Frame.read(take: tape.take) {
                let used = bytes.count - tape.rest.count
                #expect(try frame.encoded() == Array(bytes.prefix(used)))
            }
        }
    }
}
