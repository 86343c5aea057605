using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tasks.Images;
using Atelier.Tasks.Video;

namespace Atelier.Cli.Commands;

/// <summary>Draws samples from a finished model.</summary>
internal sealed class GenerateCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string?> _run =
        new("RUN")
        { Description = "The folder of a run or a bundle, a GGUF file, or a llama2.c file next to its tokenizer.",
        Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _prompt =
        new("--prompt") { HelpName = "T", Description = "The text to continue or to fill in." };
    private readonly Option<string?> _input = new("--input") { HelpName = "F",
        Description = "A file with the series, the sound or the frames of a video to continue, the sentences to "
            + "tag, or the sources of targets, one a line." };
    private readonly Option<string?> _given = VideoSampling.GivenOption();
    private readonly Option<double?> _seconds = new("--seconds") { HelpName = "S",
        Description = "The length of each sound or video in seconds, with the beginning that the input gives." };
    private readonly Option<string?> _gap = AudioSampling.GapOption();
    private readonly Option<string?> _vocoder = AudioSampling.VocoderOption();
    private readonly Option<string?> _prefix = new("--prefix") { HelpName = "T",
        Description = "The text that the target of a source begins with." };
    private readonly Option<bool> _alignments = new("--alignments") {
        Description = "Adds to --json how much attention each target token paid to each source token." };
    private readonly Option<string[]> _evidence = new("--evidence") { HelpName = "COLUMN=VALUE",
        Description = "A known value of each sample. Can be repeated. A column such as x=1 is written '\"x=1\"=yes'.",
        DefaultValueFactory = _ => [] };
    private readonly Option<string[]> _state = new("--state") { HelpName = "PLACE=STATE",
        Description = "A known hidden state, or tag, at a position counted from 0. Can be repeated.",
        DefaultValueFactory = _ => [] };
    private readonly Option<int> _count =
        new("--count") { HelpName = "N", Description = "The number of samples.", DefaultValueFactory = _ => 1 };
    private readonly Option<string?> _class = new("--class") { HelpName = "NAME",
        Description =
        "The class of the images or sounds, for models trained with classes. With --interpolate, optionally one "
            + "class for each end, separated by commas." };
    private readonly SamplingArguments _drawing = new();
    private readonly LatentArguments _latents = new();
    private readonly Option<string?> _out = new("--out") { HelpName = "F",
        Description =
        "The file to write the samples to. Rows and series: F.csv or F.tsv, a table that train can read. Tagged "
            + "sentences: F.conllu. Images: F.png (a grid), F.gif (an animation of the sampling steps) or F/ (one file "
            + "per image). Sounds: F.wav or F.opus (one after another), F.png (spectrograms) or F/ (one file per "
            + "sound). Videos: F.gif, F.mp4, F.webm, F.png (a contact sheet) or F/ (a GIF each)." };
    private readonly Option<string?> _like = new("--like") { HelpName = "FILE",
        Description = "Generates an image or a sound again, from the settings stored in its PNG, WAV or Opus file." };
    private readonly Option<string> _device =
        new("--device") { HelpName = "NAME", Description = "auto, cpu or cuda.", DefaultValueFactory = _ => "auto" };
    private readonly Option<string> _cacheType = new("--cache-type") { HelpName = "TYPE",
        Description = "The type in which keys and values of a text model are cached: f32, f16 or q8_0.",
        DefaultValueFactory = _ => "f32" };
    private readonly Option<string?> _draft = new("--draft") { HelpName = "RUN",
        Description =
        "A smaller model with the same tokenizer for speculative decoding: faster, with the same distribution." };
    private readonly Option<string?> _adapter = new("--adapter") { HelpName = "FOLDER",
        Description = "A LoRA adapter in PEFT's files to run the model with, such as runs/NAME/adapter." };
    private readonly DecodingArguments _decoding = new();

    public GenerateCommand(ToolConsole console, Workshop workshop)
        : base(console, "generate", "Draws samples from a finished model.",
        "atelier generate runs/quickstart --prompt \"The \" --count 3 --temperature 0.8")
    {
        _workshop = workshop;
        Add(_run);
        Add(_prompt);
        Add(_input);
        Add(_given);
        Add(_seconds);
        Add(_gap);
        Add(_vocoder);
        Add(_prefix);
        Add(_alignments);
        Add(_evidence);
        Add(_state);
        Add(_count);
        Add(_class);
        _drawing.AddTo(this);
        _latents.AddTo(this);
        Add(_out);
        Add(_like);
        Add(_device);
        Add(_cacheType);
        Add(_draft);
        Add(_adapter);
        _decoding.AddTo(this);
    }

    /// <summary>The help for a run shows the options that its model supports, and an example for it.</summary>
    public override string PrepareHelp(ParseResult parse)
    {
        if (parse.GetValue(_run) is not { } run)
            return Example;
        try
        {
            IReadOnlyList<RequestOption> supported = _workshop.RequestOptions(run);
            // Models that take adapters are the ones that keep keys and values.
            _cacheType.Hidden = !supported.Any(option => option.Field == "adapter");
            foreach (Option option in Options.Where(option => option != _device && option != _cacheType))
            {
                RequestOption? found = supported.FirstOrDefault(o => OptionNames.Of(o.Field) == option.Name);
                option.Hidden = found is null;
                option.Description = found?.Description ?? option.Description;
                if (found?.Default is { } value)
                    option.Description += $" [default: {value}]";
            }
            return ExampleOf(run, supported);
        }
        catch (AtelierException e)
        {
            parse.InvocationConfiguration.Error.WriteLine(OptionNames.Write(e).ToLine());
            return Example;
        }
    }

    /// <summary>Returns a command line that the model can answer.</summary>
    public static string ExampleOf(string run, IReadOnlyList<RequestOption> options) => $"atelier generate {run} "
        + OptionNames.Write([.. options.Where(o => o.Example is not null).Select(o => (o.Field, o.Example!))]);

    protected override async Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        int count = parse.GetValue(_count);
        if (count < 1)
            throw new AtelierException($"--count is {count}", "atelier generate", "allowed: 1 or more");
        var images = new ImageSampling(console, _workshop);
        if (parse.GetValue(_like) is { } like)
            return await new SampleAgain(console, _workshop).RunAsync(like, parse.GetValue(_run),
                _drawing.Upscaler(parse), parse.GetValue(_vocoder), parse.GetValue(_out),
                parse.GetRequiredValue(_device), cancellation)
                .ConfigureAwait(false);
        string run = parse.GetValue(_run)
            ?? throw new AtelierException("no model was named", "atelier generate",
            "name a run's folder: atelier runs list shows them");
        using ITrainedModel model = _workshop.Open(run,
            new OpenOptions
            {
                Device = parse.GetRequiredValue(_device), CacheType = parse.GetRequiredValue(_cacheType),
            }, cancellation);
        if (parse.GetValue(_adapter) is { } adapter)
            (model.As<TextGenerator>() ?? throw new AtelierException("only text models take adapters", "--adapter",
                "leave it out")).UseAdapter(adapter);
        if (_latents.Write(parse, model, parse.GetValue(_class), count, parse.GetValue(_out)) is { } shown)
        {
            console.Say(shown);
            console.Result(() => new JsonObject { ["run"] = Path.GetFullPath(run), ["file"] = shown });
            return 0;
        }
        using TextGenerator? draft = parse.GetValue(_draft) is { } smaller
            ? OpenDraft(smaller, model, parse.GetRequiredValue(_device), cancellation) : null;
        InterpolationEnds? ends = _latents.Ends(parse);
        if (ends is not null) // so many images for each pair of neighbouring ends
            count = (count == 1 ? Interpolation.UsualSteps : count) * ends.PathCount;
        using ITrainedModel? upscaler = _drawing.Upscaler(parse) is { } second
            ? images.OpenUpscaler(second, model, parse.GetRequiredValue(_device), cancellation) : null;
        using ITrainedModel? vocoder = parse.GetValue(_vocoder) is { } sounding
            ? AudioSampling.OpenVocoder(_workshop, sounding, model, parse.GetRequiredValue(_device), cancellation)
            : null;
        var writer = model.As<ITextGenerator>();
        var request = new GenerationRequest
        {
            Count = count,
            Seed = parse.GetValue<long?>(Tool.Seed) ?? 1,
            Prompt = parse.GetValue(_prompt),
            Input = parse.GetValue(_input) is { } input ? new InputData(InputFile.Load(input), input) : null,
            GivenFrames = VideoSampling.Numbers(parse.GetValue(_given)),
            Seconds = parse.GetValue(_seconds),
            Gap = AudioSampling.Gap(parse.GetValue(_gap)),
            Prefix = parse.GetValue(_prefix),
            Alignments = parse.GetValue(_alignments),
            Evidence = NamedValues.Read(parse, _evidence),
            States = NamedValues.Read(parse, _state).ToDictionary(pair => Place(pair.Key), pair => pair.Value),
            Class = parse.GetValue(_class),
            Drawing = _drawing.Read(parse, ends),
            Decoding = _decoding.Read(parse,
                writer?.Defaults ?? model.As<MaskedTextGenerator>()?.Defaults ?? model.As<SoundGenerator>()?.Defaults
                    ?? model.As<VideoGenerator>()?.Decoding
                    ?? new DecodingOptions()),
        };
        ITask task = _workshop.TaskOf(run, model);
        request = task.RequestFor(model, request);
        if (task is AudioTask sounds)
            return await new AudioSampling(console, sounds).RunAsync(model, run, request, parse.GetValue(_out),
                cancellation).ConfigureAwait(false);
        if (model.As<ImageGenerator>() is { } imageGenerator)
            return await images.RunAsync(imageGenerator, run, request, parse.GetValue(_out), cancellation)
                .ConfigureAwait(false);
        if (model.As<VideoGenerator>() is { } videoGenerator)
            return await new VideoSampling(console).RunAsync(videoGenerator, run, request, parse.GetValue(_out),
                cancellation).ConfigureAwait(false);
        if (parse.GetValue(_out) is { } place && Directory.Exists(place))
            throw new AtelierException("is a folder", place, "name a file");
        if (count == 1 && console is { IsTerminal: true, Json: false } && parse.GetValue(_out) is null
            && writer is not null && request.Input is null)
            return await StreamAsync(console, writer, request, cancellation).ConfigureAwait(false);

        string beginning = writer?.BeginningOf(request) ?? "";
        var samples = new List<Sample>();
        await foreach (Sample sample in task.GenerateAsync(model, request, cancellation)
            .ConfigureAwait(false))
        {
            samples.Add(sample);
            if (parse.GetValue(_out) is null)
                console.Say(beginning + sample.Shown + (count > 1 && Lines(sample) ? "\n---" : ""));
        }
        if (request.Decoding is { } asked && (asked.Pattern ?? asked.Schema ?? asked.Grammar) is not null
            && samples.OfType<TextSample>().Count(s => s.FinishReason == "length") is > 0 and int cut)
            console.Remark(
                $"{cut} of {Quantity.Of(count, "sample")} reached {Quantity.Of(asked.MaxTokens, "token")} before the "
                    + $"constraint was met; --max-tokens allows more");
        if (samples.OfType<TextSample>().Aggregate(default(SpeculationCounts), (sum, s) => sum + s.Speculation)
            is { AcceptanceRate: double rate } speculation)
            console.Remark(string.Create(CultureInfo.InvariantCulture,
                $"{speculation.Accepted} of {speculation.Proposed} proposed tokens were accepted ({rate:P0})"));
        if (samples.OfType<RowSample>().FirstOrDefault()?.EffectiveRows is { } effective)
            console.Remark(string.Create(CultureInfo.InvariantCulture,
                $"the rows are approximate: resampled from weighted rows, effective sample size {effective:0}"));
        if (parse.GetValue(_out) is { } text)
        {
            bool isConllu = Path.GetExtension(text) is ".conllu" or ".conll";
            var all = new StringBuilder();
            foreach (Sample sample in samples)
            {
                all.Append(isConllu && sample is TaggedSample { Conllu: { } block } ? block
                    : beginning + sample.Shown + (count > 1 && Lines(sample) ? "\n---\n" : "\n"));
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
            ?? throw new AtelierException("only text models can use a draft model", "--draft", "leave it out");
        ITrainedModel opened = _workshop.Open(folder, new OpenOptions { Device = device }, cancellation);
        if (opened.As<TextGenerator>() is not { } draft)
        {
            opened.Dispose();
            throw new AtelierException("is not a text model", folder,
                "name a smaller text model with the same tokenizer");
        }
        text.Draft = draft;
        return draft;
    }


    /// <summary>Whether samples need a line between them; a row is a line of its own.</summary>
    private static bool Lines(Sample sample) => sample is TextSample or SeriesSample;

    private static int Place(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int place)
        ? place
        : throw new AtelierException($"'{text}' is not a position", "--state", "positions are whole numbers from 0");

    private static async Task<int> StreamAsync(ToolConsole console, ITextGenerator generator, GenerationRequest request,
        CancellationToken cancellation)
    {
        console.Out.Write(generator.BeginningOf(request));
        await foreach (TextPiece piece in generator.StreamAsync(request, cancellation).ConfigureAwait(false))
        {
            console.Out.Write(piece.Text);
            await console.Out.FlushAsync(cancellation).ConfigureAwait(false);
        }
        console.Out.WriteLine();
        return 0;
    }
}
