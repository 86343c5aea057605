using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Cli.Commands;
using Atelier.Explain;

namespace Atelier.Cli;

/// <summary>The option that ranks the heads of a text model, and the table of the ranking.</summary>
internal sealed class HeadRankingArguments
{
    private const int Shown = 24;

    private readonly Option<bool> _heads = new("--heads")
    {
        Description = "Ranks the attention heads by how much the model loses without each, on held-out text or on "
            + "--text, and finds induction heads.",
    };

    public void AddTo(Command command) => command.Add(_heads);

    /// <summary>Whether heads are to be ranked.</summary>
    public bool IsGiven(ParseResult parse) => parse.GetValue(_heads);

    /// <summary>Ranks the heads, shows them and writes their picture.</summary>
    /// <param name="console">The console.</param>
    /// <param name="workshop">Opens the model.</param>
    /// <param name="parse">The options.</param>
    /// <param name="text">The text to rank the heads on; null takes the data of the run.</param>
    /// <param name="run">The folder of the model.</param>
    /// <param name="folder">The folder of the picture; null writes none.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The model has no heads to ablate, or there are too few tokens.</exception>
    public static void Rank(ToolConsole console, Workshop workshop, ParseResult parse, string? text, string run,
        string? folder, CancellationToken cancellation)
    {
        HeadRanking ranking = workshop.RankHeads(run, text, parse.GetValue<long?>(Tool.Seed) ?? 1, console,
            cancellation);
        console.Say(string.Create(CultureInfo.InvariantCulture, $"{Quantity.Of(ranking.Heads.Count, "head")}, each "
            + $"set to zero alone, on {Quantity.Of(ranking.Passages, "passage")} with "
            + $"{Quantity.Of(ranking.Tokens, "token")}; cross-entropy of the whole model: "
            + $"{ranking.CrossEntropy:0.0000} nats/token"));
        console.Table(["layer", "head", "increase in nats/token", "induction", "previous token", "name"],
            ranking.Heads.Take(Shown).Select(one => (string[])
            [
                Number(one.Head.Layer + 1), Number(one.Head.Head + 1), one.Increase.ToText(), Share(one.Induction),
                Share(one.PreviousToken), one.Name ?? "",
            ]));
        if (ranking.Heads.Count > Shown)
            console.Say($"the first {Shown}; all of them are in the picture and with --json");
        string[] pictures = ExplainCommand.WritePictures(console, folder, [HeadRankingImage.Of(ranking)]);
        console.Result(() => new JsonObject
        {
            ["run"] = Path.GetFullPath(run),
            ["passages"] = ranking.Passages,
            ["tokens"] = ranking.Tokens,
            ["crossEntropy"] = ranking.CrossEntropy,
            ["heads"] = new JsonArray([.. ranking.Heads.Select(one => (JsonNode)new JsonObject
            {
                ["layer"] = one.Head.Layer + 1, ["head"] = one.Head.Head + 1,
                ["increase"] = one.Increase.Value, ["low"] = one.Increase.Low, ["high"] = one.Increase.High,
                ["induction"] = one.Induction, ["previousToken"] = one.PreviousToken, ["name"] = one.Name,
            })]),
            ["pictures"] = new JsonArray([.. pictures.Select(path => (JsonNode)Path.GetFullPath(path))]),
        });
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Share(double score) => score.ToString("0.000", CultureInfo.InvariantCulture);
}
