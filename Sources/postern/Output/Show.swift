import Rules

/// Values as people read them.
enum Show {
    /// `2026-11-20T10:00:00.123Z` as `2026-11-20 10:00:00Z`.
    static func time(_ value: JSON?) -> String {
        guard let text = value?.text else { return "-" }
        let parts = text.split(separator: "T", maxSplits: 1)
        guard parts.count == 2, text.hasSuffix("Z") else { return text }
        let clock = parts[1].dropLast().prefix { $0 != "." }
        return "\(parts[0]) \(clock)Z"
    }

    /// Seconds left, as `9m 58s`.
    static func seconds(_ value: JSON?) -> String {
        guard let seconds = value?.int else { return "-" }
        return duration(seconds)
    }

    static func duration(_ seconds: Int64) -> String {
        let units: [(String, Int64)] = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]
        guard let first = units.firstIndex(where: { seconds >= $0.1 }) else { return "\(max(0, seconds))s" }
        let rest = seconds % units[first].1
        guard first + 1 < units.count, rest / units[first + 1].1 > 0 else {
            return "\(seconds / units[first].1)\(units[first].0)"
        }
        return "\(seconds / units[first].1)\(units[first].0) \(rest / units[first + 1].1)\(units[first + 1].0)"
    }

    static func app(_ json: JSON) -> String {
        guard let platform = json["platform"]?.text, let id = json["app_id"]?.text else { return "-" }
        return "\(platform)/\(id)"
    }

    static func cell(_ value: JSON?) -> String { value?.cell ?? "-" }

    static func list(_ value: JSON?) -> String {
        let texts = value?.texts ?? []
        return texts.isEmpty ? "-" : texts.joined(separator: " ")
    }

    /// Who did it: a service's or a role holder's name where there is one, else the uid the kernel gave.
    static func actor(_ record: JSON) -> String {
        guard let actor = record["actor"] else { return "-" }
        let kind = actor["kind"]?.text ?? "unknown"
        if let name = actor["name"]?.text, !name.isEmpty { return kind == "service" ? name : "\(kind) \(name)" }
        if let uid = actor["uid"]?.int { return "\(kind) uid \(uid)" }
        return kind
    }

    static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
        number == 1 ? "1 \(one)" : "\(number) \(many ?? one + "s")"
    }

    static func checks(_ checks: [JSON], _ console: Console) {
        for check in checks {
            let result = Show.cell(check["result"])
            let padding = String(repeating: " ", count: max(0, 12 - result.count))
            console.out(console.mark(result) + padding + "  " + Columns.printable(Show.cell(check["name"])))
            for key in ["detail", "compared", "advice"] {
                guard let text = check[key]?.text, !text.isEmpty else { continue }
                let label = key == "advice" ? "next: " : ""
                for line in Columns.wrapped(label + text, to: (console.width ?? 100) - 16) {
                    console.out(String(repeating: " ", count: 14) + Columns.printable(line))
                }
            }
        }
    }
}
