using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Atelier.Data;
using Atelier.Data.Text;
using Atelier.Data.Video;
using Atelier.Data.Text.Cleaning;
using Atelier.Data.Text.Reading;
using Atelier.Data.Worlds;
using Atelier.Formats;
using Atelier.Recipes;

namespace Atelier.Cli.Commands;

/// <summary>Finds, downloads, previews and cleans data.</summary>
internal sealed class DataCommand : Command
{
    public DataCommand(ToolConsole console) : base("data", "Lists, downloads, shows and cleans data.")
    {
        Add(new ListCommand(console));
        Add(new GetCommand(console));
        Add(new DataShowCommand(console));
        Add(new CleanCommand(console));
    }

    internal static Argument<string> SourceArgument() =>
        new("SOURCE") { Description = "A file, a folder, a data set of the catalogue, or a world." };

    internal static Option<string?> EncodingOption() =>
        new("--encoding") { HelpName = "NAME",
            Description = "The text encoding, if it is not detected: GB18030, Shift-JIS, windows-1252 …" };

    private static Option<string?> ColumnOption() =>
        new("--column") { HelpName = "NAME", Description = "The column of a table that holds the text." };

    private static JsonArray Json(IReadOnlyList<CleaningResult> cleaning) => [.. cleaning.Select(c => new JsonObject
    {
        ["step"] = c.Step, ["documentsRemoved"] = c.DocumentsRemoved, ["charactersRemoved"] = c.CharactersRemoved,
    })];

    private sealed class ListCommand(ToolConsole console)
        : ToolCommand(console, "list", "Lists public data sets and worlds.", "atelier data list")
    {
        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            Catalogue catalogue = Catalogue.OfThisMachine();
            console.Table(["name", "description", "licence", "downloaded"],
            [
                .. WorldList.All.Select(w => new[]
                {
                    w.Name, w.Description,
                    w.Name == MovingDigits.Name ? "generated from a seed and MNIST" : "generated from a seed", "yes",
                }),
                .. catalogue.Entries.Select(e =>
                    new[] { e.Name, e.Description, e.Licence, catalogue.Folder(e) is null ? "no" : "yes" }),
            ]);
            console.Result(() => new JsonObject
            {
                ["worlds"] = new JsonArray([.. WorldList.All.Select(w =>
                {
                    var json = new JsonObject
                    {
                        ["name"] = w.Name, ["description"] = w.Description, ["kind"] = SourceKind.NameOf(w.Kind),
                    };
                    if (TextWorlds.Find(w.Name) is { } text)
                        json["entropyPerCharacter"] = text.EntropyPerCharacter;
                    return (JsonNode)json;
                })]),
                ["data"] = new JsonArray([.. catalogue.Entries.Select(e => new JsonObject
                {
                    ["name"] = e.Name, ["description"] = e.Description, ["source"] = e.Source, ["licence"] = e.Licence,
                        ["folder"] = catalogue.Folder(e),
                })]),
            });
            return Task.FromResult(0);
        }
    }

    private sealed class GetCommand : ToolCommand
    {
        private readonly Argument<string> _name =
            new("NAME") { Description = "The name of a data set (see atelier data list)." };

        public GetCommand(ToolConsole console)
            : base(console, "get", "Downloads a public data set and verifies it.",
            "atelier data get tinyshakespeare") =>
            Add(_name);

        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            string name = parse.GetRequiredValue(_name);
            Catalogue catalogue = Catalogue.OfThisMachine();
            CatalogueEntry entry = catalogue.Find(name)
                ?? throw new AtelierException("there is no data set with this name in the catalogue", name,
                Spelling.Nearest(name, catalogue.Entries.Select(e => e.Name)) is { } near ? $"did you mean '{near}'?"
                    : "atelier data list shows all names");
            IReadOnlyList<string> files = catalogue.Get(entry, console, cancellation);
            foreach (string file in files)
                console.Say(file);
            console.Result(() =>
                new JsonObject { ["name"] = name, ["files"] = new JsonArray([.. files.Select(f => (JsonNode)f)]) });
            return Task.FromResult(0);
        }
    }

    private sealed class CleanCommand : ToolCommand
    {
        private readonly Argument<string> _source = SourceArgument();
        private readonly Option<string?> _column = ColumnOption();
        private readonly Option<string?> _encoding = EncodingOption();
        private readonly Option<string[]> _steps = new("--step")
        {
            HelpName = "NAME", DefaultValueFactory = _ => [], AllowMultipleArgumentsPerToken = true,
            Description = $"The cleaning steps, in order: {string.Join(", ", CleaningSteps.All.Select(s => s.Usage))}.",
        };

        private readonly Option<string> _out = new("--out") { HelpName = "FILE", Required = true,
            Description = "The file to write: one JSON object per document, with its text." };

        public CleanCommand(ToolConsole console)
            : base(console, "clean", "Cleans text and reports what each step removed.",
            $"atelier data clean world:stories-en --step {CleaningSteps.All[0].Name} --out clean.jsonl")
        {
            Add(_source);
            Add(_column);
            Add(_encoding);
            Add(_steps);
            Add(_out);
        }

        protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
        {
            var section = new DataSection
            {
                Source = parse.GetRequiredValue(_source), Column = parse.GetValue(_column),
                    Encoding = parse.GetValue(_encoding), Clean = parse.GetRequiredValue(_steps),
            };
            string file = parse.GetRequiredValue(_out);
            var cleaning = new TextCleaning(section.Clean);
            long documents = 0;
            AtomicFile.Write(file, stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
                var text = new StringBuilder();
                foreach (DocumentPiece piece in TextPreview.Read(section, parse.GetValue<long?>(Tool.Seed)
                    ?? 1, cleaning, new ReadingReport(console, cancellation), console, cancellation))
                {
                    text.Append(piece.Text);
                    if (!piece.Ends)
                        continue;
                    writer.WriteLine(new JsonObject { ["text"] = text.ToString() }.ToJsonString());
                    text.Clear();
                    documents++;
                }
            });
            console.Table(["step", "documents removed", "characters removed"], cleaning.Results.Select(r => new[]
            {
                r.Step, r.DocumentsRemoved.ToString("#,0", CultureInfo.InvariantCulture),
                    r.CharactersRemoved.ToString("#,0", CultureInfo.InvariantCulture),
            }));
            console.Say(string.Create(CultureInfo.InvariantCulture, $"{Quantity.Of(documents, "document")} in {file}"));
            console.Result(() =>
                new JsonObject { ["file"] = Path.GetFullPath(file), ["documents"] = documents,
                ["cleaning"] = Json(cleaning.Results) });
            return Task.FromResult(0);
        }
    }
}
