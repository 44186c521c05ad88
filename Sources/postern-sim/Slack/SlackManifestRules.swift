/// What Slack's schema of manifests refuses (platforms, 1.10).
enum SlackManifestRules {
    /// One entry of `errors`.
    static func fault(_ code: String, _ message: String, _ pointer: String) -> JSON {
        [
            "code": .string(code), "message": .string(message), "pointer": .string(pointer),
            "related_component": .null,
        ]
    }

    static func faults(in manifest: JSON) -> [JSON] {
        var faults: [JSON] = []
        texts(manifest, &faults)
        lists(manifest, &faults)
        urls(manifest, &faults)
        if let color = manifest["display_information"]?["background_color"]?.text {
            let digits = color.dropFirst()
            if !color.hasPrefix("#") || !(3...6).contains(digits.utf8.count) || !digits.allSatisfy(\.isHexDigit) {
                faults.append(
                    fault("invalid_color", "Must be # and hexadecimal", "/display_information/background_color"))
            }
        }
        return faults
    }

    private static func value(_ manifest: JSON, _ pointer: String) -> JSON? {
        pointer.split(separator: "/").reduce(manifest) { (found: JSON?, name) in found?[String(name)] }
    }

    private static func texts(_ manifest: JSON, _ faults: inout [JSON]) {
        let hasBot = manifest["features"]?["bot_user"] != nil
        let limits: [(pointer: String, range: ClosedRange<Int>, isRequired: Bool)] = [
            ("/display_information/name", 1...35, true), ("/display_information/description", 1...140, false),
            ("/display_information/long_description", 175...4000, false),
            ("/features/bot_user/display_name", 1...80, hasBot),
        ]
        for limit in limits {
            guard let found = value(manifest, limit.pointer) else {
                if limit.isRequired { faults.append(fault("missing", "Must be present", limit.pointer)) }
                continue
            }
            guard case .string(let text) = found else {
                faults.append(fault("invalid_type", "Must be a string", limit.pointer))
                continue
            }
            if !limit.range.contains(text.count) {
                let message = "Must be \(limit.range.lowerBound) to \(limit.range.upperBound) characters"
                faults.append(fault("invalid_length", message, limit.pointer))
            }
        }
    }

    private static func lists(_ manifest: JSON, _ faults: inout [JSON]) {
        let limits: [(pointer: String, count: Int, length: Int)] = [
            ("/oauth_config/redirect_urls", 1000, 2500), ("/oauth_config/scopes/bot", 255, 50),
            ("/oauth_config/scopes/user", 255, 50), ("/oauth_config/scopes/bot_optional", 255, 50),
            ("/oauth_config/scopes/user_optional", 255, 50),
            ("/settings/event_subscriptions/bot_events", 100, 50),
            ("/settings/event_subscriptions/user_events", 100, 50),
            ("/settings/allowed_ip_address_ranges", 50, 18), ("/features/slash_commands", 50, .max),
            ("/features/shortcuts", 10, .max), ("/features/unfurl_domains", 5, .max),
        ]
        for limit in limits {
            guard let found = value(manifest, limit.pointer) else { continue }
            guard case .array(let items) = found else {
                faults.append(fault("invalid_type", "Must be an array", limit.pointer))
                continue
            }
            if items.count > limit.count {
                faults.append(fault("too_many", "At most \(limit.count) items", limit.pointer))
            }
            for (index, item) in items.enumerated() where limit.length != .max {
                if case .string(let text) = item, (1...limit.length).contains(text.count) { continue }
                faults.append(
                    fault("invalid_item", "Must be 1 to \(limit.length) characters", "\(limit.pointer)/\(index)"))
            }
        }
    }

    private static func urls(_ manifest: JSON, _ faults: inout [JSON]) {
        let pointer = "/settings/event_subscriptions/request_url"
        if let url = value(manifest, pointer)?.text,
            url.utf8.count > 3500 || !(url.hasPrefix("https://") || url.hasPrefix("http://"))
        {
            faults.append(fault("invalid_url", "Must be an http(s) URL of at most 3500 characters", pointer))
        }
    }
}
