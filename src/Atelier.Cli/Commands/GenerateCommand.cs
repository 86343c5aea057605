using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Runs;
using Atelier.Tasks.Images;

namespace Atelier.Cli.Commands;

/// <summary>Draws samples from a finished model.</summary>
internal sealed class GenerateCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string?> _run =
        new("RUN")
        { Description = "A run's folder or a bundle's, a GGUF file, or llama2.c's with its tokenizer beside it.",
        Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _prompt =
        new("--prompt") { HelpName = "T", Description = "The text to go on from." };
    private readonly Option<string?> _input = new("--input") { HelpName = "F",
        Description = "A file to go on from, or to work on: a series, sentences to tag." };
    private readonly Option<string[]> _evidence = new("--evidence") { HelpName = "COLUMN=VALUE",
        Description = "What is known of each sample; may stand several times.", DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _state = new("--state") { HelpName = "PLACE=STATE",
        Description = "A hidden state that is known, by its place from 0; may stand several times.",
        DefaultValueFactory = _ => [] };
    private readonly Option<int> _count =
        new("--count") { HelpName = "N", Description = "How many samples.", DefaultValueFactory = _ => 1 };
    private readonly Option<string?> _class = new("--class") { HelpName = "NAME",
        Description =
        "The class of the pictures, where the model was taught classes; with --interpolate also one for each end, "
            + "with commas between." };
    private readonly SamplingArguments _drawing = new();
    private readonly LatentArguments _latents = new();
    private readonly Option<string?> _out = new("--out") { HelpName = "F",
        Description =
        "A file to write the samples to; of rows and series F.csv or F.tsv (a table that train reads back), of "
            + "tagged sentences F.conllu (CoNLL-U), of pictures F.png (side by side), F.gif (how they came about) or "
            + "F/ (a file each)." };
    private readonly Option<string?> _like = new("--like") { HelpName = "PICTURE",
        Description = "Makes a picture again, from what its PNG says of its making." };
    private readonly Option<string> _device =
        new("--device") { HelpName = "NAME", Description = "auto, cpu or cuda.", DefaultValueFactory = _ => "auto" };
    private readonly Option<string?> _draft = new("--draft") { HelpName = "RUN",
        Description =
        "A smaller model of the same tokens that proposes what comes next: faster, with the same distribution." };
    private readonly DecodingArguments _decoding = new();

    public GenerateCommand(ToolConsole console, Workshop workshop)
        : base(console, "generate", "Draws samples from a finished model.",
        "atelier generate runs/quickstart --prompt \"The \" --count 3 --temperature 0.8")
    {
        _workshop = workshop;
        Add(_run);
        Add(_prompt);
        Add(_input);
        Add(_evidence);
        Add(_state);
        Add(_count);
        Add(_class);
        _drawing.AddTo(this);
        _latents.AddTo(this);
        Add(_out);
        Add(_like);
        Add(_device);
        Add(_draft);
        _decoding.AddTo(this);
    }

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        int count = parse.GetValue(_count);
        if (count < 1)
            throw new AtelierException($"--count is {count}", "atelier generate", "allowed is 1 and more");
        var images = new ImageSampling(console, _workshop);
        if (parse.GetValue(_like) is { } like)
            return await images.AgainAsync(like, parse.GetValue(_run), _drawing.Upscaler(parse),
                parse.GetValue(_out), parse.GetRequiredValue(_device), cancellation).ConfigureAwait(false);
        string run = parse.GetValue(_run)
            ?? throw new AtelierException("no model is named", "atelier generate",
            "name a run's folder: atelier runs list shows them");
        using ITrainedModel model = _workshop.Open(run,
            new OpenOptions { Device = parse.GetRequiredValue(_device) }, cancellation);
        if (_latents.Write(parse, model, parse.GetValue(_class), count, parse.GetValue(_out)) is { } shown)
        {
            console.Say(shown);
            console.Result(() => new JsonObject { ["run"] = Path.GetFullPath(run), ["file"] = shown });
            return 0;
        }
        using TextGenerator? draft = parse.GetValue(_draft) is { } smaller
            ? OpenDraft(smaller, model, parse.GetRequiredValue(_device), cancellation) : null;
        InterpolationEnds? ends = _latents.Ends(parse);
        if (ends is not null) // so many pictures a way
            count = (count == 1 ? Interpolation.UsualSteps : count) * ends.PathCount;
        using ITrainedModel? upscaler = _drawing.Upscaler(parse) is { } second
            ? images.OpenUpscaler(second, model, parse.GetRequiredValue(_device), cancellation) : null;
        var writer = model.As<TextGenerator>();
        var request = new GenerationRequest
        {
            Count = count,
            Seed = parse.GetValue<long?>(Tool.Seed) ?? 1,
            Prompt = parse.GetValue(_prompt),
            Input = parse.GetValue(_input),
            Evidence = NamedValues.Read(parse, _evidence),
            States = NamedValues.Read(parse, _state).ToDictionary(pair => Place(pair.Key), pair => pair.Value),
            Class = parse.GetValue(_class),
            Drawing = _drawing.Read(parse, ends),
            Decoding = _decoding.Read(parse, writer?.Defaults ?? new DecodingOptions()),
        };
        if (model.As<ImageGenerator>() is { } imageGenerator)
            return await images.RunAsync(imageGenerator, run, request, parse.GetValue(_out), cancellation)
                .ConfigureAwait(false);
        if (parse.GetValue(_out) is { } place && Directory.Exists(place))
            throw new AtelierException("is a folder", place, "name a file");
        if (count == 1 && console is { IsTerminal: true, Json: false } && parse.GetValue(_out) is null
            && writer is not null)
            return await StreamAsync(console, writer, request, cancellation).ConfigureAwait(false);

        var samples = new List<Sample>();
        await foreach (Sample sample in _workshop.TaskOf(model).GenerateAsync(model, request, cancellation)
            .ConfigureAwait(false))
        {
            samples.Add(sample);
            if (parse.GetValue(_out) is null)
                console.Say(Shown(request, sample) + (count > 1 && Lines(sample) ? "\n---" : ""));
        }
        if (request.Decoding is { } asked && (asked.Pattern ?? asked.Schema) is not null
            && samples.OfType<TextSample>().Count(s => s.FinishReason == "length") is > 0 and int cut)
            console.Remark(
                $"{cut} of {Quantity.Of(count, "sample")} reached {Quantity.Of(asked.MaxTokens, "token")} before the "
                    + $"constraint was met; --max-tokens allows more");
        if (samples.OfType<TextSample>().Aggregate(default(SpeculationCounts), (sum, s) => sum + s.Speculation)
            is { AcceptanceRate: double rate } speculation)
            console.Remark(string.Create(CultureInfo.InvariantCulture,
                $"{speculation.Accepted} of {speculation.Proposed} proposed tokens were taken ({rate:P0})"));
        if (samples.OfType<RowSample>().FirstOrDefault()?.EffectiveRows is { } effective)
            console.Remark(string.Create(CultureInfo.InvariantCulture,
                $"the rows are not exact draws: they were chosen from weighted ones worth {effective:0} exact ones"));
        if (parse.GetValue(_out) is { } text)
        {
            bool isConllu = Path.GetExtension(text) is ".conllu" or ".conll";
            var all = new StringBuilder();
            foreach (Sample sample in samples)
            {
                all.Append(isConllu && sample is TaggedSample { Conllu: { } block } ? block
                    : Shown(request, sample) + (count > 1 && Lines(sample) ? "\n---\n" : "\n"));
            }
            AtomicFile.WriteText(text, SampleTable.Text(text, samples) ?? all.ToString());
            console.Say(text);
        }
        console.Result(() => new JsonObject
        {
            ["run"] = Path.GetFullPath(run),
            ["seed"] = request.Seed,
            ["samples"] = new JsonArray([.. samples.Select(sample => (JsonNode)sample.ToJson())]),
        });
        return 0;
    }

    private TextGenerator OpenDraft(string folder, ITrainedModel model, string device,
        CancellationToken cancellation)
    {
        TextGenerator text = model.As<TextGenerator>()
            ?? throw new AtelierException("only text models take a draft", "--draft", "leave it out");
        ITrainedModel opened = _workshop.Open(folder, new OpenOptions { Device = device }, cancellation);
        if (opened.As<TextGenerator>() is not { } draft)
        {
            opened.Dispose();
            throw new AtelierException("a draft is a text model", folder,
                "name a smaller text model of the same tokens");
        }
        text.Draft = draft;
        return draft;
    }

    /// <summary>Text includes its prompt; other samples stand alone.</summary>
    private static string Shown(GenerationRequest request, Sample sample) =>
        sample is TextSample ? request.Prompt + sample.Shown : sample.Shown;

    /// <summary>Whether samples are separated by lines; a row is a line of its own.</summary>
    private static bool Lines(Sample sample) => sample is TextSample or SeriesSample;

    private static int Place(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int place)
        ? place
        : throw new AtelierException($"'{text}' is no place", "--state", "write a number from 0");

    private static async Task<int> StreamAsync(ToolConsole console, TextGenerator generator, GenerationRequest request,
        CancellationToken cancellation)
    {
        console.Out.Write(request.Prompt);
        await foreach (TextPiece piece in generator.StreamAsync(request, cancellation).ConfigureAwait(false))
        {
            console.Out.Write(piece.Text);
            await console.Out.FlushAsync(cancellation).ConfigureAwait(false);
        }
        console.Out.WriteLine();
        return 0;
    }
}
