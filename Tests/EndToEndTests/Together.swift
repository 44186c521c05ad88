import Linux
import Synchronization

/// Runs `body` for all of `rows` at once, each on a thread of its own: what mostly waits need not wait one after the
/// other. Returns what each had to complain about, an error included, by its row's name.
func together<Row: Sendable>(
    _ rows: [(name: String, row: Row)], _ body: @escaping @Sendable (Row) throws -> [String]
) throws -> [String] {
    let complaints = Mutex<[String]>([])
    let crew = try rows.map { name, row in
        try Thread.start(name: "row") {
            var own: [String] = []
            do { own = try body(row) } catch { own = ["\(error)"] }
            let mine = own.map { "\(name): \($0)" }
            complaints.withLock { $0 += mine }
        }
    }
    for one in crew { one.join() }
    return complaints.withLock { $0.sorted() }
}
