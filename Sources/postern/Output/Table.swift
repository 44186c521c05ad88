/// Rows with aligned columns. On a terminal the columns that may shrink are cut to fit; elsewhere nothing is cut.
struct Table: Sendable {
    struct Column: Sendable {
        let title: String
        /// May be cut on a narrow terminal.
        var shrinks = false
        var right = false

        init(_ title: String, shrinks: Bool = false, right: Bool = false) {
            self.title = title
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
        if let width {
            var excess = widths.reduce(0, +) + 2 * (columns.count - 1) - width
            while excess > 0 {
                let candidates = columns.indices.filter { columns[$0].shrinks && widths[$0] > 8 }
                guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
                widths[widest] -= 1
                excess -= 1
            }
        }
        return ([titles] + rows).map { cells in
            var line = ""
            for (index, cell) in cells.enumerated() {
                let text = Columns.cut(cell, to: widths[index])
                let gap = String(repeating: " ", count: max(0, widths[index] - Columns.width(text)))
                if index > 0 { line += "  " }
                line += columns[index].right ? gap + text : text + gap
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
