using Atelier.Recipes;
using Atelier.Tasks;

namespace Atelier.Tests.Recipes;

public sealed class RecipeReaderTests
{
    private static Recipe Parse(string text, params string[] overrides) =>
        RecipeReader.Parse(text, "my.yaml", TestFamily.All, overrides);

    private static AtelierException Mistake(string text, params string[] overrides) =>
        Should.Throw<AtelierException>(() => Parse(text, overrides));

    [Fact]
    public void Empty_text_is_the_recipe_of_all_defaults()
    {
        Recipe recipe = Parse("");
        recipe.Training.ShouldBe(new TrainingSection());
        recipe.Model.ShouldBe(new ModelSection("gpt", recipe.Model.Config));
        recipe.Model.Config.ShouldBeOfType<BigConfig>().LayerCount.ShouldBe(4);
    }

    [Theory]
    [InlineData("data:\n  split: none")]
    [InlineData("", "data.split=none")]
    public void A_section_may_be_given_by_the_name_of_its_values(string text, params string[] overrides)
    {
        Parse(text, overrides).Data.Split.ShouldBe(new SplitSection { Train = 1, Validation = 0, Test = 0 });
        Mistake("data:\n  split: nothing").Message.ShouldContain("data.split");
    }

    [Fact]
    public void Every_kind_of_value_is_read()
    {
        Recipe recipe = Parse("""
            name: "two: words"
            data:
              document: paragraph
              clean: [unicode, whitespace]
              tokenizer: {kind: bpe, vocabularySize: 300}
            model:
              layerCount: 7
              dropout: 1e-1
              shape: half-open
              sizes: [3, 4, 5]
            training:
              steps: null
              epochs: 2.5
              optimizer: {name: AdamW, nesterov: false}
              schedule: {name: one-cycle}
            """);
        recipe.Name.ShouldBe("two: words");
        recipe.Data.Document.ShouldBe(DocumentUnit.Paragraph);
        recipe.Data.Clean.ShouldBe(["unicode", "whitespace"]);
        recipe.Data.Tokenizer.ShouldBe(new TokenizerSection { Kind = TokenizerKind.Bpe, VocabularySize = 300 });
        var config = recipe.Model.Config.ShouldBeOfType<BigConfig>();
        (config.LayerCount, config.Dropout, config.Shape).ShouldBe((7, 0.1, Shape.HalfOpen));
        config.Sizes.ShouldBe([3, 4, 5]);
        (recipe.Training.Steps, recipe.Training.Epochs).ShouldBe((null, 2.5));
        recipe.Training.Schedule.Name.ShouldBe(ScheduleName.OneCycle);
    }

    [Theory]
    [InlineData("trainning:\n  steps: 5", "my.yaml:1", "trainning", "'training'")]
    [InlineData("training:\n  setps: 5", "my.yaml:2", "setps", "'steps'")]
    [InlineData("training:\n  optimizer:\n    learning_rate: 5", "my.yaml:3", "learning_rate", "'learningRate'")]
    [InlineData("seed: 1\nwarmupSteps: 5", "my.yaml:2", "warmupSteps", "training.schedule.warmupSteps")]
    [InlineData("model:\n  family: tiny\n  layerCount: 2", "my.yaml:3", "layerCount", "family, quick|quick, family")]
    [InlineData("model:\n  family: gtp", "my.yaml:2", "'gtp'", "'gpt'")]
    [InlineData("training:\n  steps: many", "my.yaml:2", "training.steps is 'many'", "a whole number")]
    [InlineData("training:\n  steps: 1.5", "my.yaml:2", "'1.5'", "a whole number")]
    [InlineData("training:\n  steps: '5'", "my.yaml:2", "'5'", "a whole number")]
    [InlineData("training:\n  steps: [5]", "my.yaml:2", "a list", "a whole number")]
    [InlineData("training:\n  steps: 0", "my.yaml:2", "training.steps is '0'", "1 or more")]
    [InlineData("training:\n  clipNorm: .nan", "my.yaml:2", "'.nan'", "a number")]
    [InlineData("training:\n  clipNorm: NaN", "my.yaml:2", "'NaN'", "a number")]
    [InlineData("training:\n  ema: 1", "my.yaml:2", "training.ema is '1'", "0 to 0.999999")]
    [InlineData("training:\n  batchSize: null", "my.yaml:2", "training.batchSize has no value", "a whole number")]
    [InlineData("training:\n  overfitOneBatch: yes", "my.yaml:2", "'yes'", "true or false")]
    [InlineData("training:\n  optimizer:\n    name: adamx", "my.yaml:3", "'adamx'",
        "'adamw'? allowed: adamw, adam, sgd")]
    [InlineData("training: 5", "my.yaml:1", "training is '5'", "indented")]
    [InlineData("model:\n  sizes: [1, 10]", "my.yaml:2", "model.sizes is a list", "1 to 9")]
    [InlineData("model:\n  sizes: [1, x]", "my.yaml:2", "model.sizes[1] is 'x'", "a whole number")]
    [InlineData("data:\n  split:\n    train: 0.95", "my.yaml:3", "data.split sums to 1.05", "at most 1")]
    [InlineData("training:\n  steps: null", "my.yaml:2", "never end", "training.minutes")]
    [InlineData("training:\n  optimizer: {nesterov: true}", "my.yaml:2", "nesterov", "0.9")]
    [InlineData("seed: 1\nseed: 2", "my.yaml:2", "'seed' appears twice", "keep one")]
    [InlineData("- a\n- b", "my.yaml:1", "a list", "quickstart")]
    [InlineData("seed: 1\n  name: x", "my.yaml:2", "not valid YAML", "indentation")]
    [InlineData("a: &x [1]\nb: *x", "my.yaml:2", "*x", "write the value itself")]
    [InlineData("seed: 1\n---\nseed: 2", "my.yaml:2", "a second one begins", "---")]
    public void A_mistake_is_named_with_its_line_and_what_is_right(string text, string
        where, string message, string hint)
    {
        AtelierException mistake = Mistake(text);
        mistake.Where.ShouldBe(where);
        mistake.Message.ShouldContain(message);
        hint.Split('|').ShouldContain(h => mistake.Hint!.Contains(h, StringComparison.Ordinal), mistake.Hint);
        mistake.ToLine().ShouldNotContain("\n");
    }

    [Fact]
    public void An_override_wins_and_is_checked_like_the_file()
    {
        Parse("training: {steps: 5}", "training.steps=7", "training.steps=9").Training.Steps.ShouldBe(9);
        Parse("", "training.optimizer.learningRate=3e-4").Training.Optimizer.LearningRate.ShouldBe(3e-4);
        Parse("", "data.clean=[a, b]").Data.Clean.ShouldBe(["a", "b"]);
        Parse("", "data.source=world:stories-zh").Data.Source.ShouldBe("world:stories-zh");
        AtelierException mistake = Mistake("", "training.setps=7");
        (mistake.Where, mistake.Hint).ShouldBe(("overrides training.setps=7", "did you mean 'steps'?"));
        Mistake("", "training.steps=0").Where.ShouldBe("overrides training.steps=0");
        Mistake("", "training.steps").Hint!.ShouldContain("'overrides' training.steps=500");
        Mistake("", "=7").Hint!.ShouldContain("'overrides' training.steps=500");
    }

    [Fact]
    public void Another_family_by_override_leaves_the_first_family_s_keys_behind()
    {
        Recipe recipe = Parse("model: {family: gpt, layerCount: 2}", "model.family=tiny", "model.quick=false");
        recipe.Model.Family.ShouldBe("tiny");
        recipe.Model.Config.ShouldBe(new TinyConfig { Quick = false });
    }

    [Theory]
    [InlineData("diffusion", "generation.temperature", "0.8", "the family diffusion")]
    [InlineData("gan", "evaluation.baselineOrder", "3", "the family gan")]
    [InlineData("vae", "data.tokenizer.kind", "byte", "the family vae")]
    [InlineData("vae", "training.labelSmoothing", "0.1", "the family vae")]
    [InlineData("gpt", "data.image.width", "16", "the family gpt")]
    [InlineData("rnn", "data.table.bins", "9", "the family rnn")]
    [InlineData("gpt", "evaluation.pictures", "20", "the family gpt")]
    [InlineData("bayesian-network", "data.tags", "xpos", "the family bayesian-network")]
    [InlineData("ngram", "training.optimizer.learningRate", "0.1", "the family ngram")]
    [InlineData("gpt", "training.optimizer.momentum", "0.9", "the rule adamw")]
    [InlineData("gan", "generation.sampler", "euler", "the family gan")]
    [InlineData("gpt", "generation.steps", "5", "the family gpt")]
    [InlineData("gan", "evaluation.likelihoodPictures", "3", "the family gan")]
    [InlineData("gan", "evaluation.importanceSamples", "3", "the family gan")]
    [InlineData("vae", "evaluation.likelihoodPictures", "3", "the family vae")]
    [InlineData("diffusion", "evaluation.importanceSamples", "3", "the family diffusion")]
    [InlineData("diffusion", "generation.guidance", "2", "a model without classes")]
    [InlineData("diffusion", "model.classDropout", "0.2", "a model without classes")]
    [InlineData("diffusion", "model.hiddenSize", "64", "a U-Net")]
    [InlineData("diffusion", "model.upscaleNoise", "0.1", "a model that does not upscale")]
    [InlineData("vae", "model.hidden", "[16]", "a convolutional network")]
    [InlineData("vae", "model.codeDecay", "0.5", "a model without codes")]
    [InlineData("vae", "model.binarisation", "static", "a Gaussian likelihood")]
    [InlineData("ngram", "training.batchSize", "8", "the family ngram")]
    [InlineData("ngram", "training.steps", "8", "the family ngram")]
    [InlineData("hmm", "training.precision", "fp32", "the family hmm")]
    [InlineData("bayesian-network", "training.minutes", "5", "the family bayesian-network")]
    public void A_key_that_would_be_ignored_is_refused_by_name(string family, string key, string value, string reader)
    {
        IReadOnlyList<IModelFamily> families = Atelier.Models.ModelFamilies.All;
        AtelierException mistake = Should.Throw<AtelierException>(() =>
            RecipeReader.Parse("", "my.yaml", families, [$"model.family={family}", $"{key}={value}"]));
        mistake.ToLine().ShouldBe(
            $"overrides {key}={value}: {key} would be ignored: {reader} does not read it; leave it out");

        string[] parts = key.Split('.');
        string text = $"model:\n  family: {family}\n";
        for (int i = parts[0] == "model" ? 1 : 0; i < parts.Length - 1; i++)
            text += $"{new string(' ', 2 * i)}{parts[i]}:\n";
        text += $"{new string(' ', 2 * (parts.Length - 1))}{parts[^1]}: {value}\n";
        AtelierException inFile =
            Should.Throw<AtelierException>(() => RecipeReader.Parse(text, "my.yaml", families));
        (inFile.Where, inFile.Message).ShouldBe(($"my.yaml:{text.Count(c => c == '\n')}", mistake.Message));

        var unread = new List<string>();
        Recipe opened = RecipeReader.Parse(text, "my.yaml", families, overrides: null, unread);
        unread.ShouldBe([key], "a run made before is opened without it");
        RecipeWriter.Write(opened).ShouldBe(
            RecipeWriter.Write(RecipeReader.Parse("", "my.yaml", families, [$"model.family={family}"])));
    }

    [Theory]
    [InlineData("diffusion", "model.network=dit", "model.channels", "[8]", "a transformer")]
    [InlineData("diffusion", "model.network=dit", "model.blocks", "1", "a transformer")]
    [InlineData("diffusion", "model.autoencoder=runs/vae", "evaluation.likelihoodPictures", "3", "a model in latents")]
    [InlineData("vae", "model.network=dense", "model.blocks", "2", "a dense network")]
    [InlineData("vae", "model.codes=8", "evaluation.importanceSamples", "5", "a model with codes")]
    [InlineData("vae", "model.codes=8", "model.beta", "2", "a model with codes")]
    [InlineData("vae", "model.latents=grid", "model.priorComponents", "3", "a grid of latents")]
    [InlineData("vae", "model.likelihood=bernoulli", "model.variance", "0.1", "a Bernoulli likelihood")]
    [InlineData("gpt", "training.schedule.name=constant", "training.schedule.finalShare", "0.5",
        "the schedule constant")]
    [InlineData("gpt", "training.schedule.name=inverse-square-root", "training.schedule.decaySteps", "9",
        "the schedule inverse-square-root")]
    [InlineData("gpt", "training.optimizer.name=full-batch", "training.gradientAccumulation", "2",
        "the rule full-batch")]
    [InlineData("hmm", "data.kind=tagged", "training.steps", "5", "a tagger that counts")]
    public void A_key_is_refused_by_name_where_a_choice_leaves_it_without_a_use(string family, string choice,
        string key, string value, string reader)
    {
        IReadOnlyList<IModelFamily> families = Atelier.Models.ModelFamilies.All;
        Read($"{key}={value}").ShouldNotBeNull("without the choice it is read");
        Should.Throw<AtelierException>(() => Read(choice, $"{key}={value}")).ToLine().ShouldBe(
            $"overrides {key}={value}: {key} would be ignored: {reader} does not read it; leave it out");

        Recipe Read(params string[] changes) =>
            RecipeReader.Parse("", "my.yaml", families, [$"model.family={family}", .. changes]);
    }

    [Fact]
    public void A_change_takes_the_keys_out_of_the_text_that_it_leaves_without_a_use()
    {
        const string text = "model: {family: diffusion, conditional: true, channels: [8]}\ngeneration: {guidance: 2}";
        IReadOnlyList<IModelFamily> families = Atelier.Models.ModelFamilies.All;
        Recipe recipe = RecipeReader.Parse(text, "my.yaml", families, ["model.network=dit", "model.conditional=false"]);
        RecipeWriter.Write(recipe).ShouldBe(RecipeWriter.Write(
            RecipeReader.Parse("model: {family: diffusion, network: dit}", "my.yaml", families)));
        Should.Throw<AtelierException>(() => RecipeReader.Parse(text, "my.yaml", families,
            ["model.network=dit", "model.channels=[16]"])).Where.ShouldBe("overrides model.channels=[16]");
        Should.Throw<AtelierException>(() => RecipeReader.Parse("model: {family: diffusion, headCount: 2}", "my.yaml",
            families, ["seed=3"])).Where.ShouldBe("my.yaml:1", "the text itself does not read it");
    }

    [Fact]
    public void The_keys_of_earlier_versions_are_read_by_their_present_names_and_the_recipe_says_so()
    {
        IReadOnlyList<IModelFamily> families = Atelier.Models.ModelFamilies.All;
        const string earlier = "model: {family: diffusion, conditional: true, samplerSteps: 7, guidance: 2}";
        Recipe recipe = RecipeReader.Parse(earlier, "my.yaml", families);
        recipe.Generation.Sampling.ShouldBe(new SamplingDefaults { Steps = 7, Guidance = 2 });
        recipe.Notes.ShouldHaveSingleItem().ShouldBe("model.samplerSteps is now generation.steps, "
            + "model.guidance is now generation.guidance; the earlier names still work");
        Recipe again = RecipeReader.Parse(RecipeWriter.Write(recipe), "recipe.yaml", families);
        (again.Notes.Count, again.Generation.Sampling).ShouldBe((0, recipe.Generation.Sampling));

        const string present = "model: {family: diffusion}\ngeneration: {steps: 7}";
        Steps(present, "model.samplerSteps=3").ShouldBe(3, "a change wins by either name");
        Steps(earlier, "generation.steps=3").ShouldBe(3);
        Steps(earlier, "model={family: diffusion, samplerSteps: 4}", "generation.guidance=1").ShouldBe(4);
        AtelierException twice = Should.Throw<AtelierException>(() =>
            RecipeReader.Parse(earlier + "\ngeneration: {steps: 7}", "my.yaml", families));
        (twice.Where, twice.Message).ShouldBe(("my.yaml:1",
            "model.samplerSteps is the earlier name of generation.steps, and both are given"));
        Should.Throw<AtelierException>(() => RecipeReader.Parse("model: {family: diffusion, samplerSteps: 0}",
            "my.yaml", families)).Where.ShouldBe("my.yaml:1");
        Should.Throw<AtelierException>(() => RecipeReader.Parse("model: {family: gan, samplerSteps: 5}", "my.yaml",
            families)).Message.ShouldContain("no key 'samplerSteps'");

        int Steps(string text, params string[] changes) =>
            RecipeReader.Parse(text, "my.yaml", families, changes).Generation.Sampling.Steps;
    }

    [Theory]
    [InlineData("sgd", "momentum=0.9", null)]
    [InlineData("rms-prop", "nesterov=true", "momentum=0.5")]
    [InlineData("adagrad", "epsilon=1e-6", null)]
    [InlineData("lion", "beta2=0.9", null)]
    public void A_rule_takes_the_keys_that_it_reads(string rule, string key, string? other) =>
        Parse("", [.. ((string?[])[$"name={rule}", key, other]).OfType<string>()
            .Select(k => $"training.optimizer.{k}")])
            .Training.Optimizer.ShouldNotBe(new OptimizerSection());

    [Fact]
    public void Every_resolved_recipe_is_read_back_though_it_names_the_keys_of_all_tasks()
    {
        foreach (BuiltInRecipe built in BuiltInRecipes.All)
        {
            Recipe recipe = RecipeReader.Read(built.Name, Atelier.Models.ModelFamilies.All);
            string resolved = RecipeWriter.Write(recipe);
            RecipeWriter.Write(RecipeReader.Parse(resolved, "recipe.yaml", Atelier.Models.ModelFamilies.All))
                .ShouldBe(resolved);
        }
    }

    [Fact]
    public void Another_family_by_override_leaves_the_keys_behind_that_only_the_first_reads()
    {
        const string text = "model: {family: gpt}\ntraining: {optimizer: {learningRate: 0.5}, steps: 7}";
        Recipe recipe =
            RecipeReader.Parse(text, "my.yaml", Atelier.Models.ModelFamilies.All, ["model.family=hmm"]);
        recipe.Training.ShouldBe(new TrainingSection { Steps = 7 });
    }

    [Fact]
    public void Deep_nesting_and_great_length_are_refused()
    {
        Mistake("a: " + new string('[', 100_000)).Message.ShouldContain("deep");
        Mistake("# " + new string('x', 1 << 20)).Message.ShouldContain("too many");
    }

    [Fact]
    public void A_file_that_is_no_recipe_is_named()
    {
        string folder = Directory.CreateTempSubdirectory("atelier").FullName;
        Should.Throw<AtelierException>(() => RecipeReader.Read(folder, TestFamily.All)).Message.ShouldContain("folder");
        string binary = Path.Combine(folder, "binary.yaml");
        File.WriteAllBytes(binary, [0xFF, 0xFE, 0x80, 0x81]);
        Should.Throw<AtelierException>(() => RecipeReader.Read(binary, TestFamily.All)).Message.ShouldContain("UTF-8");
        AtelierException missing = Should.Throw<AtelierException>(() => RecipeReader.Read("quikstart", TestFamily.All));
        missing.Hint!.ShouldContain("did you mean 'quickstart'?");
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Whatever_is_wrong_in_a_recipe_is_a_mistake_that_names_its_line()
    {
        string[] pieces = ["\t", "- ", ": ", "? ", "!!int ", "!mine ", "&a ", "*a", "{", "}", "[", "]", "'", "\"", "#",
            "|", ">", "%YAML 1.2\n",
            "---\n", "...\n", "\n", "  ", "@", "`", "\0", "\u2028", "\uFEFF", "\\x", "<<: ", "null", "\r", "1e999"];
        const string text =
            "name: mine\ndata:\n  clean: [unicode, whitespace]\nmodel:\n  layerCount: 7\ntraining:\n  steps: 5\n";
        var random = new Random(5);
        int mistakes = 0;
        for (int trial = 0; trial < 4000; trial++)
        {
            string changed = text;
            for (int change = random.Next(1, 3); change > 0; change--)
            {
                int at = random.Next(changed.Length);
                changed = random.Next(4) == 0
                    ? changed.Remove(at, 1)
                    : changed.Insert(at, pieces[random.Next(pieces.Length)]);
            }
            AtelierException? mistake = null;
            try
            {
                Parse(changed);
            }
            catch (AtelierException e)
            {
                mistake = e;
            }
            if (mistake is null)
                continue;
            mistakes++;
            mistake.Where.ShouldNotBeNull(changed).ShouldMatch(@"^my\.yaml:[1-9]\d*$", changed);
        }
        mistakes.ShouldBeGreaterThan(1000);
    }
}
