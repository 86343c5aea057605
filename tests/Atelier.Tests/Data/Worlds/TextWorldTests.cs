using Atelier.Data.Worlds;

namespace Atelier.Tests.Data.Worlds;

public sealed class TextWorldTests(ITestOutputHelper output)
{
    private const string Tiny = """
        hero(name, she) = Mia/she | Tom/he
        place = mill | lake | old mill
        coat = , red | , wet
        pet = cat{coat} | dog
        home = {hero.name} went home. | Then {hero.she} slept.
        story = {hero.name} went to the {place}. There {hero.she} met a {pet}. {home}
        """;

    public static TheoryData<string> Names => [.. TextWorlds.All.Select(world => world.Name)];

    [Fact]
    public void All_texts_of_a_tiny_grammar_are_distinct_and_their_probabilities_sum_to_one()
    {
        var grammar = new TextGrammar(Tiny);
        (string Text, double Probability)[] all = [.. grammar.Enumerate()];
        all.Length.ShouldBe(2 * 3 * 3 * 2);
        all.Select(t => t.Text).Distinct().Count().ShouldBe(all.Length);
        all.Sum(t => t.Probability).ShouldBe(1, 1e-12);
        grammar.Entropy.ShouldBe(-all.Sum(t => t.Probability * Math.Log(t.Probability)), 1e-12);
        grammar.ExpectedCharacters.ShouldBe(all.Sum(t => t.Probability * t.Text.Length), 1e-9);
        foreach ((string text, double probability) in all)
        {
            (double parsed, int derivations) = grammar.Parse(text);
            parsed.ShouldBe(probability, 1e-15);
            derivations.ShouldBe(1);
        }
    }

    [Fact]
    public void A_tiny_grammar_says_each_text_as_often_as_its_probability()
    {
        var grammar = new TextGrammar(Tiny);
        var random = new SplitMix64(1);
        const int Draws = 20_000;
        var counts = new Dictionary<string, int>();
        for (int i = 0; i < Draws; i++)
        {
            string text = grammar.Draw(ref random);
            counts[text] = counts.GetValueOrDefault(text) + 1;
        }
        // Pearson's statistic has 35 degrees of freedom; 80 is passed with a probability below 1e-4.
        grammar.Enumerate().Sum(t =>
        {
            double expected = t.Probability * Draws;
            return Math.Pow(counts.GetValueOrDefault(t.Text) - expected, 2) / expected;
        }).ShouldBeLessThan(80);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_mean_surprise_of_many_documents_is_the_exact_entropy(string name)
    {
        TextWorld world = TextWorlds.Find(name)!;
        string[] documents = [.. world.Documents(11, 2000)];
        double[] nats = [.. documents.Select(d => -world.LogProbability(d))];
        double[] lengths = [.. documents.Select(d => d.EnumerateRunes().Count() + 1.0)];
        double h = world.EntropyPerCharacter;
        output.WriteLine(
            $"{name}: {h:0.0000} nats a character, {lengths.Average():0.0} characters, alphabet "
                + $"{string.Concat(documents).Distinct().Count()}");
        documents[..3].ToList().ForEach(output.WriteLine);
        // The ratio's error, linearised: the mean of nats - h * length over the mean length.
        double[] residuals = [.. nats.Zip(lengths, (n, l) => n - h * l)];
        double deviation = Math.Sqrt(residuals.Average(r => r * r) / documents.Length);
        Math.Abs(residuals.Average()).ShouldBeLessThan(4 * deviation);
        Math.Abs(lengths.Average() - world.EntropyPerDocument / h).ShouldBeLessThan(1);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_document_can_be_said_in_two_ways(string name)
    {
        TextWorld world = TextWorlds.Find(name)!;
        foreach (string document in world.Documents(3, 500))
            world.Derivations(document).ShouldBe(1, document);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_the_world_never_says_has_no_probability(string name)
    {
        TextWorld world = TextWorlds.Find(name)!;
        string document = world.Documents(3, 1).First();
        world.LogProbability(document).ShouldBeInRange(-500, -10);
        world.LogProbability(document + "!").ShouldBe(double.NegativeInfinity);
        world.LogProbability(document[1..]).ShouldBe(double.NegativeInfinity);
        world.LogProbability("").ShouldBe(double.NegativeInfinity);
    }

    [Fact]
    public void The_heros_name_comes_back_and_the_pronoun_agrees()
    {
        TextWorld world = TextWorlds.Find("world:stories-en")!;
        string[] documents = [.. world.Documents(1, 200)];
        foreach (string document in documents)
        {
            string name = document[..document.IndexOf(' ', StringComparison.Ordinal)];
            document.ShouldContain($" So {name} came home");
        }
        documents.Where(d => d.StartsWith("Mia ", StringComparison.Ordinal))
            .ShouldAllBe(d => d.Contains(" she met ") && d.Contains(" her ") && !d.Contains(" his "));
        documents.Where(d => d.StartsWith("Tom ", StringComparison.Ordinal))
            .ShouldAllBe(d => d.Contains(" he met ") && d.Contains(" his ") && !d.Contains(" her "));
    }

    [Fact]
    public void Documents_are_a_function_of_the_seed()
    {
        TextWorld world = TextWorlds.All[0];
        world.Documents(5, 20).ShouldBe(world.Documents(5, 30).Take(20));
        world.Documents(6, 20).ShouldNotBe(world.Documents(5, 20));
    }

    [Theory]
    [InlineData("a(x) = p/q\nstory = {a.x}", "forms")]
    [InlineData("a(x) = p | q\nb = {a.x} | none\nstory = {b}", "not always mentioned")]
    [InlineData("story = {none}", "none")]
    [InlineData("story", "not a rule")]
    public void A_grammar_that_is_not_one_is_refused(string rules, string what) =>
        Should.Throw<ArgumentException>(() => new TextGrammar(rules)).Message.ShouldContain(what);
}
