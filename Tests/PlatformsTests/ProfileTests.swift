import Platforms
import Rules
import Testing

@Suite struct `A profile` {
    private static func field(_ key: String) throws -> Profile.Field {
        let profile = try #require(Profile.named("slack", on: .slack))
        return try #require(profile.fields.first { $0.key == key })
    }

    @Test func `asks for the guide's six credentials in the guide's order`() throws {
        let profile = try #require(Profile.named("alibaba-slack", on: .slack))
        #expect(
            profile.fields.map(\.key) == [
                "workspace_name", "app_id", "client_id", "client_secret", "signing_secret", "bot_token",
            ])
        #expect(profile.fields.filter(\.isSecret).map(\.key) == ["client_secret", "signing_secret", "bot_token"])
        #expect(profile.fields.allSatisfy { $0.required && !$0.find.isEmpty })
        let app = try #require(AppID("A0A75890ATF"))
        #expect(
            profile.redirectURLs(for: app) == ["https://ailink.gts.work/thirdparty/slack/A0A75890ATF/oauth2/callback"])
        #expect(profile.eventURL(for: app) == "https://ailink.gts.work/thirdparty/slack/A0A75890ATF/events")
        #expect(profile.missing(in: ["app_id": "A1", "client_id": " \n"]).map(\.key).contains("client_id"))
    }

    @Test func `has a name of its own and fields that differ`() {
        #expect(
            Profile.names == [
                "alibaba-slack", "alibaba-lark", "alibaba-feishu", "ovice-slack", "genesys-slack", "slack", "lark",
                "feishu", "genesys",
            ])
        #expect(Set(Profile.all.map { "\($0.name) \($0.platform)" }).count == Profile.all.count)
        for profile in Profile.all { #expect(Set(profile.fields.map(\.key)).count == profile.fields.count) }
    }

    /// Values that must pass without a remark: samples of platforms 1.1.
    @Test(arguments: [
        ("app_id", "A0A75890ATF"), ("client_id", "3336676.569200954261"),
        ("client_secret", "e1b9e11dfcd19c1982d5de12921e17e8c"), ("signing_secret", "8f742231b10e8888abcd99yyyzzz85a5"),
        ("bot_token", "xoxb-1234567890-1234567890123-xxxxxxxxxxxxxxxxxxxxxxxx"),
        ("bot_token", "xoxe.xoxb-1-Mi0yLTEyMzQ1Njc4OTA"), ("workspace_name", "Acme – Größe 漢字"),
        ("webhook_url", "https://hooks.slack.com/services/T1/B1/fake"),
    ])
    func `has nothing to say about documented samples`(_ key: String, _ value: String) throws {
        let read = Profile.read(value, for: try Self.field(key))
        #expect(read.value == value && read.remarks.isEmpty)
    }

    @Test(arguments: [
        ("client_id", "A0A75890ATF", "an App ID"), ("app_id", "3336676.569200954261", "a Client ID"),
        ("bot_token", "xoxp-1234567890-1234567890123-xxxxxxxx", "a user's token"),
        ("client_secret", "xoxb-1234567890-1234567890123-xxxxxxxx", "a Bot User OAuth Token"),
        ("workspace_name", "xoxb-1234567890-1234567890123-xxxxxxxx", "a Bot User OAuth Token"),
        ("signing_secret", "3336676.569200954261", "a Client ID"),
    ])
    func `notices a value that belongs into another field`(_ key: String, _ value: String, _ what: String) throws {
        let read = Profile.read(value, for: try Self.field(key))
        #expect(read.value == value && read.remarks.map(\.sort) == [.misplaced])
        #expect(read.remarks[0].sentence.contains(what) && !read.remarks[0].sentence.contains(value))
    }

    @Test(arguments: [
        ("app_id", "B123456"), ("app_id", "a0lower12"), ("client_id", "98765"), ("client_secret", "short"),
        ("bot_token", "secret-token"),
    ])
    func `only remarks on unusual values, and keeps them`(_ key: String, _ value: String) throws {
        let read = Profile.read(value, for: try Self.field(key))
        #expect(read.value == value && read.remarks.map(\.sort) == [.unusual])
        #expect(!read.remarks[0].sentence.contains(value))
    }

    @Test(arguments: [
        "A0A75890ATF\n", " A0A75890ATF", "A0A75890ATF\r\n", "\u{FEFF}A0A75890ATF\u{200B}", "A0A75890ATF\t",
    ])
    func `takes white space off and says so`(_ raw: String) throws {
        let read = Profile.read(raw, for: try Self.field("app_id"))
        #expect(read.value == "A0A75890ATF" && read.remarks.map(\.sort) == [.trimmed])
    }
}
