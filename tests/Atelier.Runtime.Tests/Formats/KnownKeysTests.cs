using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Runtime.Tests.Formats;

public sealed class KnownKeysTests
{
    private static readonly KnownKeys Known = new(["size"], ["name"], ("scale", ["1", "2"]), ("kind", ["\"plain\""]));

    [Theory]
    [InlineData("""{"size": 3, "name": "x", "scale": 1.0, "kind": "plain"}""")]
    [InlineData(
        """{"scale": 2, "unknown": null, "other": false, "more": [], "another": {}, "text": "", "kind": null}""")]
    public void What_is_known_harmless_or_says_nothing_is_passed(string json) =>
        Known.Check(JsonDocument.Parse(json).RootElement, "a.json");

    [Theory]
    [InlineData("""{"scale": 3}""",
        "'part.scale' is 3, which is not supported; supported are 1 and 2: use a model without it")]
    [InlineData("""{"kind": false}""",
        "'part.kind' is false, which is not supported; supported is \"plain\": use a model without it")]
    [InlineData("""{"szie": 3}""",
        "the key 'part.szie' with the value 3 is not supported; it would be ignored; did you mean 'size'?")]
    [InlineData("""{"window_of_something": [1]}""",
        "the key 'part.window_of_something' with the value [1] is not supported; it would be ignored: "
            + "use a model without it")]
    [InlineData("""{"zero_is_a_value": 0}""",
        "the key 'part.zero_is_a_value' with the value 0 is not supported; it would be ignored: use a "
            + "model without it")]
    [InlineData("""{"on": true}""",
        "the key 'part.on' with the value true is not supported; it would be ignored: use a model without it")]
    public void What_would_be_passed_over_is_refused_with_file_way_and_value(string json, string line) =>
        Should.Throw<AtelierException>(() => Known.Check(JsonDocument.Parse(json).RootElement, "a.json", "part."))
            .ToLine().ShouldBe($"a.json: {line}");
}
