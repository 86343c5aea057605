using System.Text.Json;
using Atelier.Generation.Chat.Jinja;
using Atelier.TestSupport;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>
/// Small templates as Python's Jinja2 3.1.6 renders them with the settings of Hugging Face's transformers; the golden
/// texts are written by benchmarks/peers/jinja_golden.py.
/// </summary>
public sealed class JinjaGoldenTests
{
    [Fact]
    public void Templates_write_what_Jinja2_writes_and_fail_where_it_fails()
    {
        using JsonDocument golden = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "jinja.json")));
        var variables = (IReadOnlyDictionary<string, object?>)Value(golden.RootElement.GetProperty("variables"))!;
        List<string> differing = [];
        JsonElement[] cases = [.. golden.RootElement.GetProperty("cases").EnumerateArray()];
        foreach (JsonElement item in cases)
        {
            string template = item[0].GetString()!;
            string? expected = item[1].GetString(), rendered = Render(template, variables, out string error);
            if (rendered != expected)
                differing.Add($"{template}\n    is      {rendered ?? error}\n    must be {expected ?? "an error"}");
        }
        cases.Length.ShouldBeGreaterThan(600);
        differing.ShouldBeEmpty(string.Join('\n', differing));
    }

    /// <summary>Returns a JSON value as a template's variable.</summary>
    internal static object? Value(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().ToDictionary(p => p.Name, p => Value(p.Value)),
        JsonValueKind.Array => json.EnumerateArray().Select(Value).ToList(),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.GetRawText().Contains('.', StringComparison.Ordinal) ? json.GetDouble()
            : (object)json.GetInt64(),
        JsonValueKind.Null => null,
        _ => json.GetBoolean(),
    };

    private static string? Render(string template, IReadOnlyDictionary<string, object?> variables, out string error)
    {
        error = "";
        try
        {
            return JinjaTemplate.Parse(template).Render(variables, new FixedClock());
        }
        catch (JinjaException e)
        {
            error = e.Message;
            return null;
        }
    }

    /// <summary>The time of the golden file.</summary>
    internal sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2026, 3, 5, 14, 7, 9, TimeSpan.Zero);
    }
}
