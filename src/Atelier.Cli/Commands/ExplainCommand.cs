using System.CommandLine;
using System.Text.Json.Nodes;
using Atelier.Decoding;
using Atelier.Formats;
using Atelier.Runs;

namespace Atelier.Cli.Commands;

/// <summary>Tells what a model has learned.</summary>
internal sealed class ExplainCommand : ToolCommand
{
    private readonly Argument<string> _run = new("RUN") { Description = "A run's folder or a bundle's." };
    private readonly Option<string?> _out = new("--out") { HelpName = "FOLDER", Description = "Where pictures go; a run's own plots where it is left out." };

    public ExplainCommand(ToolConsole console) : base(console, "explain", "Tells what a model has learned, in tables and pictures.", "atelier explain runs/mine")
    {
        Add(_run);
        Add(_out);
    }

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string run = parse.GetRequiredValue(_run);
        using IGenerator generator = Workshop.Open(run);
        if (generator is not IExplained explained)
            throw new AtelierException("this kind of model has nothing to explain", run, "models of states and of networks have");
        Explanation explanation = explained.Explain();
        console.Say(explanation.Summary);
        foreach (ExplanationTable table in explanation.Tables)
        {
            console.Say($"\n{table.Name}");
            console.Table([.. table.Columns], table.Rows.Select(row => (string[])[.. row.Select(cell => cell.ToString())]));
        }
        string[] pictures = [.. Pictures(run, parse.GetValue(_out), explanation)];
        foreach (string picture in pictures)
            console.Say($"picture: {picture}");
        console.Result(() => new JsonObject
        {
            ["run"] = Path.GetFullPath(run),
            ["summary"] = explanation.Summary,
            ["tables"] = new JsonObject(explanation.Tables.Select(table => KeyValuePair.Create<string, JsonNode?>(table.Name,
                new JsonArray([.. table.Rows.Select(row => (JsonNode)CellValue.Row(table.Columns, row))])))),
            ["pictures"] = new JsonArray([.. pictures.Select(picture => (JsonNode)Path.GetFullPath(picture))]),
        });
        return Task.FromResult(0);
    }

    private static IEnumerable<string> Pictures(string run, string? folder, Explanation explanation)
    {
        string? place = folder ?? (Run.Exists(run) ? Path.Combine(run, "plots") : null);
        if (place is null)
            yield break;
        foreach (ExplanationPicture picture in explanation.Pictures)
        {
            string path = Path.Combine(place, picture.FileName);
            AtomicFile.Write(path, stream => stream.Write(picture.Content));
            yield return path;
        }
    }
}
