/// Rows with aligned columns. Where a terminal is too narrow, the columns that spill go below each row, whole, and then
/// those that may shrink are cut to fit; elsewhere nothing is.
struct Table: Sendable {
    struct Column: Sendable {
        let title: String
        /// May be cut on a narrow terminal.
        var shrinks = false
        /// Goes below its row on a narrow terminal: what people have to read whole.
        var spills = false
        var right = false

        init(_ title: String, shrinks: Bool = false, spills: Bool = false, right: Bool = false) {
            self.title = title
            self.spills = spills
            self.shrinks = shrinks
            self.right = right
        }
    }

    let columns: [Column]
    private(set) var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    mutating func add(_ cells: [String]) { rows.append(cells.map { Columns.printable($0.isEmpty ? "-" : $0) }) }

    /// Lines without trailing spaces; the first has the titles. `width` is the terminal's, nil without one.
    func lines(width: Int?) -> [String] {
        let titles = columns.map { $0.title.uppercased() }
        var widths = columns.indices.map { index in
            (rows.map { Columns.width($0[index]) } + [Columns.width(titles[index])]).max() ?? 0
        }
        var shown = Array(columns.indices)
        func excess(over width: Int) -> Int { shown.map { widths[$0] }.reduce(0, +) + 2 * (shown.count - 1) - width }
        if let width {
            if excess(over: width) > 0 { shown.removeAll { columns[$0].spills } }
            var tooMuch = excess(over: width)
            while tooMuch > 0 {
                let candidates = shown.filter { columns[$0].shrinks && widths[$0] > 8 }
                guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
                widths[widest] -= 1
                tooMuch -= 1
            }
        }
        func line(_ cells: [String]) -> String {
            let texts = shown.map { index in
                let text = Columns.cut(cells[index], to: widths[index])
                let gap = String(repeating: " ", count: max(0, widths[index] - Columns.width(text)))
                return columns[index].right ? gap + text : text + gap
            }
            var line = texts.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
        return [line(titles)] + rows.flatMap { [line($0)] + spilled($0, without: shown, width: width ?? 0) }
    }

    /// What of a row does not stand in its line, below it and whole.
    private func spilled(_ cells: [String], without shown: [Int], width: Int) -> [String] {
        let rest = columns.indices.filter { !shown.contains($0) && cells[$0] != "-" }
        let room = max(20, width - 4)
        var lines: [String] = []
        for item in rest.map({ "\(columns[$0].title): \(cells[$0])" }) {
            if let last = lines.last, Columns.width(last) + 2 + Columns.width(item) <= room {
                lines[lines.count - 1] = "\(last); \(item)"
            } else {
                lines += Columns.wrapped(item, to: room)
            }
        }
        return lines.map { "    " + $0 }
    }
}
