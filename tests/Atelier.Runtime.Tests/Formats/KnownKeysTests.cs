using System.Text.Json;
using Atelier.Formats;

namespace Atelier.Runtime.Tests.Formats;

public sealed class KnownKeysTests
{
    private static readonly KnownKeys Known = new(["size"], ["name"], ("scale", ["1", "2"]), ("kind", ["\"plain\""]));

    [Theory]
    [InlineData("""{"size": 3, "name": "x", "scale": 1.0, "kind": "plain"}""")]
    [InlineData("""{"scale": 2, "unknown": null, "other": false, "more": [], "another": {}, "text": "", "kind": null}""")]
    public void What_is_known_harmless_or_says_nothing_is_passed(string json) =>
        Known.Check(JsonDocument.Parse(json).RootElement, "a.json");

    [Theory]
    [InlineData("""{"scale": 3}""", "'part.scale' is 3, which is not read; 1 and 2 are: choose a model without it")]
    [InlineData("""{"kind": false}""", "'part.kind' is false, which is not read; \"plain\" is: choose a model without it")]
    [InlineData("""{"szie": 3}""", "the key 'part.szie' is not read, and says 3; what it says would not hold; is 'size' meant?")]
    [InlineData("""{"window_of_something": [1]}""", "the key 'part.window_of_something' is not read, and says [1]; what it says would not hold: choose a model without it")]
    [InlineData("""{"zero_is_a_value": 0}""", "the key 'part.zero_is_a_value' is not read, and says 0; what it says would not hold: choose a model without it")]
    [InlineData("""{"on": true}""", "the key 'part.on' is not read, and says true; what it says would not hold: choose a model without it")]
    public void What_would_be_passed_over_is_refused_with_file_way_and_value(string json, string line) =>
        Should.Throw<AtelierException>(() => Known.Check(JsonDocument.Parse(json).RootElement, "a.json", "part."))
            .ToLine().ShouldBe($"a.json: {line}");
}
