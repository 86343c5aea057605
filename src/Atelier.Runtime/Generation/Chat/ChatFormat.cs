namespace Atelier.Generation.Chat;

/// <summary>The conversation formats that chat models are trained on.</summary>
public enum ChatFormat
{
    /// <summary>
    /// No format: the texts of the messages, joined by line ends, for models that only continue text.
    /// </summary>
    Plain,

    /// <summary>&lt;|im_start|&gt;role … &lt;|im_end|&gt; (OpenAI; Qwen, SmolLM and many more).</summary>
    ChatMl,

    /// <summary>[INST] &lt;&lt;SYS&gt;&gt; … [/INST] (Llama 2; Touvron et al. 2023).</summary>
    Llama2,

    /// <summary>
    /// &lt;|start_header_id|&gt;role&lt;|end_header_id|&gt; … &lt;|eot_id|&gt; (Llama 3; Dubey et al. 2024).
    /// </summary>
    Llama3,

    /// <summary>&lt;|user|&gt; … &lt;/s&gt; (Zephyr, TinyLlama; Tunstall et al. 2023).</summary>
    Zephyr,

    /// <summary>&lt;start_of_turn&gt;user … &lt;end_of_turn&gt; (Gemma; Mesnard et al. 2024).</summary>
    Gemma,

    /// <summary>### Instruction: … ### Response: (Alpaca; Taori et al. 2023).</summary>
    Alpaca,

    /// <summary>The model's own template, a Jinja program, which is run for each conversation.</summary>
    Template,
}
