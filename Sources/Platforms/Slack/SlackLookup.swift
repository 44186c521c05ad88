extension Slack {
    /// `users.lookupByEmail`: who in the token's workspace has this address. Needs users:read.email; changes nothing.
    package func lookUp(email: String, token: String, _ client: OAuthClient) -> PlatformRequest? {
        call("users.lookupByEmail", token: token, [("email", email)])
    }

    /// A person of the workspace itself who is there: no bot, nobody who left, nobody of another workspace.
    package func lookedUp(_ answer: PlatformAnswer) throws(PlatformFailure) -> Person? {
        let object: JSONFields
        do throws(PlatformFailure) { object = try answer.slackObject() } catch {
            guard error.code == "users_not_found" else { throw error }
            return nil
        }
        guard let user = object.object("user"), let id = user.word("id", longest: 64),
            let team = user.word("team_id", longest: 64)
        else { throw .unexpected("Slack", "users.lookupByEmail names no user and team") }
        guard user.bool("deleted") != true, user.bool("is_bot") != true, user.bool("is_stranger") != true else {
            return nil
        }
        let email = user.object("profile")?.word("email", longest: 320)
        return Person(
            userID: id, name: user.label("real_name") ?? user.label("name"), email: email,
            isEmailVerified: email != nil && user.bool("is_email_confirmed") == true,
            place: Place(
                enterpriseID: user.object("enterprise_user")?.word("enterprise_id", longest: 64), teamID: team,
                name: nil))
    }
}
