/// Finds the word that was probably meant.
enum Suggestion {
    /// The candidate with the least edits, if they are few for its length.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let word = word.lowercased()
        var best: (name: String, edits: Int)?
        for candidate in candidates {
            let edits =
                candidate.hasPrefix(word) && word.utf8.count >= 3
                ? 1 : distance(Array(word.utf8), Array(candidate.utf8))
            if edits < best?.edits ?? Int.max { best = (candidate, edits) }
        }
        guard let best, best.edits <= max(1, min(3, (word.utf8.count + 1) / 3)) else { return nil }
        return best.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        var before = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i]
            for j in 1...b.count {
                var cost = min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, before[j - 2] + 1) }
                row.append(cost)
            }
            before = last
            last = row
        }
        return last[b.count]
    }
}
