/// Where output goes: data to standard output, everything else to standard error.
struct Console: Sendable {
    let json: Bool
    let quiet: Bool
    private let outColor: Bool
    private let errorColor: Bool
    /// How wide standard output may be; nil where nothing limits it.
    let width: Int?

    /// `columns` is $COLUMNS, which stands in where there is no terminal.
    init(json: Bool, quiet: Bool, mayColor: Bool, columns: String? = nil) {
        self.json = json
        self.quiet = quiet
        let terminal = Descriptor.isTerminal(1)
        outColor = mayColor && terminal
        errorColor = mayColor && Descriptor.isTerminal(2)
        width = terminal ? Descriptor.terminalWidth(1) : columns.flatMap { Int($0) }.flatMap { $0 >= 20 ? $0 : nil }
    }

    /// A line of data.
    func out(_ line: String) { Descriptor.write(line + "\n", to: 1) }

    /// Data as it is, without a newline.
    func raw(_ bytes: borrowing Secret) { bytes.write(to: 1) }

    /// The daemon's answer.
    func out(_ json: JSON) { out(json.pretty()) }

    func out(_ table: Table, empty: String) {
        if table.rows.isEmpty { return note(empty) }
        for (index, line) in table.lines(width: width).enumerated() { out(index == 0 ? bold(line) : line) }
    }

    /// Names and values, one pair a line, the values aligned.
    func out(pairs: [(String, String)]) {
        let widest = pairs.map { Columns.width($0.0) }.max() ?? 0
        for (name, value) in pairs {
            out(Columns.padded(name, to: widest + 2) + Columns.printable(value.isEmpty ? "-" : value))
        }
    }

    /// Something to know that is not data.
    func note(_ line: String) {
        if !quiet { Descriptor.write(Columns.printable(line) + "\n", to: 2) }
    }

    /// Something to look at; said even when quiet.
    func warn(_ line: String) {
        Descriptor.write(errorColor ? "\u{1B}[33mwarning:\u{1B}[0m " : "warning: ", to: 2)
        Descriptor.write(Columns.printable(line) + "\n", to: 2)
    }

    func failure(_ failure: Failure) {
        if json { return Descriptor.write(failure.json.pretty() + "\n", to: 2) }
        for (index, line) in failure.lines.enumerated() {
            Descriptor.write((index == 0 && errorColor ? "\u{1B}[31m\(line)\u{1B}[0m" : line) + "\n", to: 2)
        }
    }

    func bold(_ text: String) -> String { outColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    /// A word coloured by what it says.
    func mark(_ word: String) -> String {
        guard outColor else { return word }
        switch word {
        case "ok", "passed", "allowed", "active", "live", "current": return "\u{1B}[32m\(word)\u{1B}[0m"
        case "fail", "failed", "denied", "sealed", "suspended", "error": return "\u{1B}[31m\(word)\u{1B}[0m"
        case "warn", "pending", "inconclusive", "degraded", "previous": return "\u{1B}[33m\(word)\u{1B}[0m"
        default: return word
        }
    }
}
